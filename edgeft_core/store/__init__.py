"""What is remembered: a catalog of runs, and the metrics of each run, behind the contracts of ``contract``."""

from __future__ import annotations

from pathlib import Path

from edgeft_core.store.catalog import SqlCatalog
from edgeft_core.store.metrics.reader import SqliteMetricsReader
from edgeft_core.store.metrics.writer import SqliteMetricsWriter
from edgeft_core.store.sweep_table import SweepTable, SweepTableWriter, read_sweep_table

__all__ = [
    "SweepTable",
    "SweepTableWriter",
    "open_catalog",
    "open_metrics_reader",
    "open_metrics_writer",
    "read_sweep_table",
]


def open_catalog(url: str) -> SqlCatalog:
    """The catalog at a SQLAlchemy address, created where it is not there yet.

    Raises:
        HomeError: unreadable, read-only, damaged, or written by a newer version.
    """
    return SqlCatalog(url)


def open_metrics_writer(path: Path, n_classes: int) -> SqliteMetricsWriter:
    """The one writer of a run's metrics; call it in the thread that will use it.

    Raises:
        HomeError: the place cannot be written, or holds a run with other classes or a newer format.
        DiskFullError: no space is left.
    """
    return SqliteMetricsWriter(path, n_classes)


def open_metrics_reader(path: Path) -> SqliteMetricsReader:
    """A reader of a run's metrics, which need not exist yet."""
    return SqliteMetricsReader(path)
