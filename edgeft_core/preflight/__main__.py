"""The preflight as a process: ``python -m edgeft_core.preflight --config FILE --home DIR``.

Standard output is JSON lines: ``{"progress": {"what", "done", "total"}}`` while it works, ``{"report": ...}`` for
each report (the first without the checks that need the network), ``{"error": "..."}`` if it cannot work at all.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import Any

from edgeft_core.config import RunConfig
from edgeft_core.preflight.checking import preflight_parts
from edgeft_core.preflight.kept import keep_report
from edgeft_core.settings import Home


def main() -> int:
    parser = argparse.ArgumentParser(prog="edgeft-preflight")
    parser.add_argument("--config", type=Path, required=True, help="RunConfig as JSON")
    parser.add_argument("--home", type=Path, required=True)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    try:
        config = RunConfig.model_validate_json(arguments.config.read_text(encoding="utf-8"))
        home = Home(arguments.home.resolve()).ensure()
        for report in preflight_parts(config, home.cache, _tell):
            if report.complete:
                keep_report(home.cache, config, report)
            _say({"report": report.as_dict()})
    except Exception as error:
        logging.exception("the preflight broke")
        _say({"error": str(error) or type(error).__name__})
        return 1
    return 0


def _tell(what: str, done: int, total: int) -> None:
    _say({"progress": {"what": what, "done": done, "total": total}})


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
