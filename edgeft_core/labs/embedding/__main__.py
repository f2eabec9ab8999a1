"""The embedding as a process: ``python -m edgeft_core.labs.embedding --config FILE --home DIR [--run FOLDER]``.

Standard output is JSON lines: ``{"progress": {"what", "done", "total"}}``, then ``{"done": FOLDER}``, or
``{"error": "..."}``.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import Any

from edgeft_core.config import RunConfig
from edgeft_core.diagnostics.probes.faces import few_threads
from edgeft_core.errors import EdgeFTError
from edgeft_core.labs.embedding.embed import embed_for_lab
from edgeft_core.settings import Home


def main() -> int:
    parser = argparse.ArgumentParser(prog="edgeft-embedding")
    parser.add_argument("--config", type=Path, required=True, help="RunConfig as JSON")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--run", type=Path, help="a run's folder, whose last checkpoint is used")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    try:
        config = RunConfig.model_validate_json(arguments.config.read_text(encoding="utf-8"))
        home = Home(arguments.home.resolve()).ensure()
        with few_threads():
            place = embed_for_lab(config, cache=home.cache, run_folder=arguments.run, tell=_tell)
        _say({"done": str(place)})
    except EdgeFTError as error:
        _say({"error": str(error)})
        return 1
    except Exception as error:
        logging.exception("embedding broke")
        _say({"error": f"{type(error).__name__}: {error}"})
        return 1
    return 0


def _tell(what: str, done: int, total: int) -> None:
    _say({"progress": {"what": what, "done": done, "total": total}})


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
