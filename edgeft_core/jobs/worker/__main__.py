"""Entry of a worker's process: ``python -m edgeft_core.jobs.worker --home DIR --run ID``."""

from __future__ import annotations

import argparse
import faulthandler
import logging
import signal
import sys
from contextlib import closing
from pathlib import Path
from types import FrameType

from edgeft_core import store
from edgeft_core.jobs import dispatcher
from edgeft_core.jobs.worker.controls import CatalogControls
from edgeft_core.jobs.worker.work import work
from edgeft_core.settings import Home
from edgeft_core.store.processes import current_process


def main() -> int:
    parser = argparse.ArgumentParser(prog="edgeft-worker")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--run", required=True)
    arguments = parser.parse_args()
    faulthandler.enable()  # a crash in native code leaves its stack in the log
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.captureWarnings(True)
    home = Home(arguments.home.resolve())
    with closing(store.open_catalog(home.catalog_url)) as catalog:
        code = work(home, catalog, arguments.run, current_process(), interrupt_on_signals)
    dispatcher.ensure(home)  # the next in the queue may begin, even if nobody else is there to see it
    return code


def interrupt_on_signals(controls: CatalogControls) -> None:
    """SIGTERM, Ctrl+C (on Windows also Ctrl+Break) end the run with a checkpoint; a second one ends the process."""
    asked_to_end = [signal.SIGTERM, signal.SIGINT]
    if sys.platform == "win32":
        asked_to_end.append(signal.SIGBREAK)

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        for one in asked_to_end:
            signal.signal(one, signal.SIG_DFL)
        controls.interrupt()

    for one in asked_to_end:
        signal.signal(one, interrupt)


if __name__ == "__main__":
    sys.exit(main())
