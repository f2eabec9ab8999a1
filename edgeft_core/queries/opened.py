"""Opening what queries read: one catalog per home and process, a fresh metrics reader per question."""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path

from sqlalchemy.engine import make_url

from edgeft_core.settings import Home
from edgeft_core.store import open_catalog, open_metrics_reader
from edgeft_core.store.catalog import SqlCatalog
from edgeft_core.store.metrics.reader import SqliteMetricsReader

_lock = threading.Lock()
_opened: dict[str, tuple[tuple[int, int] | None, SqlCatalog]] = {}


def catalog_of(home: Home) -> SqlCatalog:
    """The catalog of a home, opened once and shared by all threads; opened anew when its file was replaced.

    Raises:
        HomeError: it cannot be opened.
    """
    url = home.catalog_url
    with _lock:
        held = _opened.get(url)
        if held is not None and held[0] == _identity(url):
            return held[1]
        if held is not None:
            held[1].close()
        catalog = open_catalog(url)
        _opened[url] = (_identity(url), catalog)
        return catalog


def forget(home: Home) -> None:
    """Close the catalog of a home, so that its folder can be removed (Windows keeps open files)."""
    with _lock:
        held = _opened.pop(home.catalog_url, None)
    if held is not None:
        held[1].close()


def metrics_of(home: Home, run_id: str) -> SqliteMetricsReader:
    """A reader of a run's metrics; use it in a ``with`` statement. ``run_id`` is a full id."""
    return open_metrics_reader(home.metrics_file(run_id))


def _identity(url: str) -> tuple[int, int] | None:
    """Which file a SQLite address means now; None for other databases."""
    path = _file_of(url)
    if path is None:
        return None
    try:
        status = path.stat()
    except FileNotFoundError:
        return (0, 0)
    return status.st_dev, status.st_ino


@lru_cache(maxsize=64)
def _file_of(url: str) -> Path | None:
    """The file that a SQLite address names. Remembered: pages ask for it hundreds of times a second."""
    address = make_url(url)
    is_file = address.get_backend_name() == "sqlite" and address.database
    return Path(str(address.database)) if is_file else None
