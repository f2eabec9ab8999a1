"""Entry of the dispatcher's process: ``python -m edgeft_core.jobs.dispatcher --home DIR``."""

from __future__ import annotations

import argparse
import logging
import sys
from contextlib import closing
from pathlib import Path

from edgeft_core import store
from edgeft_core.autopilot.pilot import Pilot
from edgeft_core.jobs.dispatcher.loop import Dispatcher
from edgeft_core.settings import Home


def main() -> int:
    parser = argparse.ArgumentParser(prog="edgeft-dispatcher")
    parser.add_argument("--home", type=Path, required=True)
    home = Home(parser.parse_args().home.resolve())
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    with closing(store.open_catalog(home.catalog_url)) as catalog:
        Dispatcher(home, catalog, beside=Pilot(home, catalog).look).serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
