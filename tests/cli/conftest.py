"""A home for the command line, and the command line as a function."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edgeft_core.cli import main
from edgeft_core.settings import Home
from edgeft_core.store import open_catalog
from edgeft_core.store.catalog import SqlCatalog
from tests.jobs.conftest import end_processes


@dataclass(frozen=True)
class Told:
    """What one command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON object that it must be."""
        return json.loads(self.out)


Command = Callable[..., Told]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setenv("EDGEFT_HOME", str(tmp_path / "home"))
    home = Home(tmp_path / "home").ensure()
    yield home
    end_processes(home)


@pytest.fixture
def catalog(home: Home) -> Iterator[SqlCatalog]:
    with closing(open_catalog(home.catalog_url)) as opened:
        yield opened


@pytest.fixture
def edgeft(home: Home, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command line in this process."""

    def command(*words: str) -> Told:
        code = main(list(words))
        said = capsys.readouterr()
        return Told(code, said.out, said.err)

    return command
