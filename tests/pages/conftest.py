"""A home of one's own for the pages under test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeft_core import queries
from edgeft_core.settings import Home
from tests.jobs.conftest import end_processes


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """The home that pages find."""
    home = Home(tmp_path / "home").ensure()
    monkeypatch.setenv("EDGEFT_HOME", str(home.root))
    yield home
    end_processes(home)  # a page that sees a queue starts its dispatcher
    queries.forget(home)


@pytest.fixture
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that visitors may name folders in."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("EDGEFT_DATA_ROOTS", str(folder))
    return folder
