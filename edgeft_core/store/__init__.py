"""What is remembered: a catalog of runs, and the metrics of each run, behind the contracts of ``contract``."""

from __future__ import annotations

from edgeft_core.store.catalog import SqlCatalog
from edgeft_core.store.contract import Catalog

__all__ = ["open_catalog"]


def open_catalog(url: str) -> Catalog:
    """The catalog at a SQLAlchemy address, created where it is not there yet.

    Raises:
        HomeError: unreadable, read-only, damaged, or written by a newer version.
    """
    return SqlCatalog(url)
