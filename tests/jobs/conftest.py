"""A home of one's own for each test, and nothing left running afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest

from edgeft_core.jobs.dispatcher import LEASE
from edgeft_core.jobs.states import ENDED
from edgeft_core.settings import Home
from edgeft_core.store import open_catalog
from edgeft_core.store.catalog import SqlCatalog


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A fresh home; its dispatcher and workers are ended with the test."""
    home = Home(tmp_path / "home").ensure()
    yield home
    end_processes(home)


@pytest.fixture
def catalog(home: Home) -> Iterator[SqlCatalog]:
    with closing(open_catalog(home.catalog_url)) as opened:
        yield opened


def end_processes(home: Home) -> None:
    """Kill the dispatcher first, so that it starts nothing more, then the workers, and whom they started meanwhile."""
    with closing(open_catalog(home.catalog_url)) as catalog:
        holder = catalog.lease_holder(LEASE)
        pids = [holder.pid] if holder else []
        pids += [run.worker.pid for run in catalog.runs() if run.worker and run.state not in ENDED]
    while pids := [*pids, *(process.pid for process in processes_of(home))]:
        for pid in set(pids) - {os.getpid()}:  # some tests stand in for the worker themselves
            _end(pid)
        pids = []


def _end(pid: int) -> None:
    with suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
        process = psutil.Process(pid)
        process.kill()
        process.wait(10)


def processes_of(home: Home, module: str = "edgeft_core.jobs") -> list[psutil.Process]:
    """Our detached processes that work on this home."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            alive = process.status() != psutil.STATUS_ZOMBIE
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if alive and str(home.root) in words and any(word.startswith(module) for word in words):
            found.append(process)
    return found
