"""Catalogs of every backend, and the identity of a process that is gone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgeft_core.store import journal, open_catalog
from edgeft_core.store.catalog import SqlCatalog
from edgeft_core.store.contract import ProcessIdentity
from edgeft_core.store.processes import current_process, identity_of


@pytest.fixture
def catalog_file(tmp_path: Path) -> Path:
    return tmp_path / "a home \u0416" / "catalog.sqlite"


@pytest.fixture(params=["file", "address with options", "network file system"])
def reopen(
    request: pytest.FixtureRequest, catalog_file: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], SqlCatalog]]:
    """Opens further connections to one catalog, on each kind of backend."""
    url = f"sqlite:///{catalog_file}"
    if request.param == "address with options":
        url = f"sqlite+pysqlite:///{catalog_file}?cached_statements=8"
    if request.param == "network file system":
        monkeypatch.setattr(journal, "on_network", lambda path: True)
    opened: list[SqlCatalog] = []

    def open_one() -> SqlCatalog:
        opened.append(open_catalog(url))
        return opened[-1]

    yield open_one
    for catalog in opened:
        catalog.close()


@pytest.fixture
def catalog(reopen: Callable[[], SqlCatalog]) -> SqlCatalog:
    return reopen()


@pytest.fixture
def me() -> ProcessIdentity:
    return current_process()


@pytest.fixture
def dead() -> ProcessIdentity:
    """A process of this machine that has ended."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = identity_of(child.pid)
    child.communicate(b"\n", timeout=30)
    return identity
