"""What every command shares: the home folder, and how answers are told."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from edgeft_core import store
from edgeft_core.settings import Home, find_home
from edgeft_core.store.contract import Catalog

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home", metavar="DIR", help="Where runs are kept; else EDGEFT_HOME, else the user's data folder."
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output and nothing else.")
]
RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's id, the beginning of it, or its name.")
]


@dataclass(frozen=True)
class Session:
    """One call of the command line."""

    home: Home
    as_json: bool

    @contextmanager
    def catalog(self) -> Iterator[Catalog]:
        with closing(store.open_catalog(self.home.catalog_url)) as catalog:
            yield catalog

    def answer(self, data: Mapping[str, Any], text: str) -> None:
        """Tell the outcome: ``data`` with --json, else ``text``."""
        if self.as_json:
            print_json(data)
        else:
            print(text)


def begin(context: typer.Context, home: Path | None, as_json: bool) -> Session:
    """The session of a command; both options may stand before or after the verb, the one after it wins."""
    before = context.find_root().params
    return Session(find_home(home or before.get("home")), as_json or bool(before.get("as_json")))


def print_json(data: Mapping[str, Any]) -> None:
    """One object on standard output. JSON has no NaN and no infinity: they become null."""
    json.dump(_plain(data), sys.stdout, ensure_ascii=False, allow_nan=False)
    sys.stdout.write("\n")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | type(None)) else str(value)
