"""Bringing the catalog of an older version up to date, with a copy of the file as it was beside it.

To change the catalog's tables:

1. change them in ``schema`` and raise ``SCHEMA_VERSION`` there;
2. add the statements that turn a catalog of the version before into one of the new version to ``STEPS``. Plain SQL that
   SQLite and PostgreSQL both take; a new column has a default, so that a worker of the older version that still runs
   can go on writing its rows;
3. run ``python -m tests.store.build_files``, which writes a stored file of the new version, and commit it. Never touch
   the files of older versions.

``tests/store/test_migrations.py`` upgrades every stored file and compares the tables with fresh ones.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, update

from edgeft_core.store import schema

log = logging.getLogger(__name__)

STEPS: dict[int, tuple[str, ...]] = {
    1: (
        "ALTER TABLE runs ADD COLUMN worker_boot TEXT",
        "ALTER TABLE runs ADD COLUMN restarts INTEGER NOT NULL DEFAULT '0'",
        "ALTER TABLE leases ADD COLUMN boot TEXT NOT NULL DEFAULT ''",
    ),
    2: ("ALTER TABLE commands ADD COLUMN options TEXT NOT NULL DEFAULT '{}'",),
}
"""Version -> what makes the next version of it."""


def upgrade(connection: Connection, version: int) -> None:
    """Bring a catalog of ``version`` up to date inside the caller's transaction: wholly or not at all.

    Args:
        connection: holds the database's write lock.

    Raises:
        OSError, sqlite3.Error: no copy can be kept; nothing was changed.
    """
    if version == schema.SCHEMA_VERSION:
        return
    if connection.dialect.name == "sqlite":
        _keep_copy(Path(connection.exec_driver_sql("PRAGMA database_list").fetchone()[2]), version)  # type: ignore[index]
    for step in range(version, schema.SCHEMA_VERSION):
        for statement in STEPS[step]:
            connection.exec_driver_sql(statement)
    connection.execute(update(schema.schema_version).values(version=schema.SCHEMA_VERSION))
    log.info("the catalog was of version %d and is now of version %d", version, schema.SCHEMA_VERSION)


def copies_of(path: Path) -> list[Path]:
    """The copies that upgrades left beside a catalog, oldest version first."""
    return sorted(path.parent.glob(f"{path.name}.v*.bak"))


def _keep_copy(path: Path, version: int) -> None:
    """The file as it is now, complete and synced before it gets its name; an earlier copy is never overwritten."""
    kept = path.with_name(f"{path.name}.v{version}.bak")
    number = 2
    while kept.exists():
        kept = path.with_name(f"{path.name}.v{version}-{number}.bak")
        number += 1
    unfinished = kept.with_suffix(f".{os.getpid()}.tmp")
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(unfinished)) as target:
            source.backup(target)
        unfinished.replace(kept)
    finally:
        unfinished.unlink(missing_ok=True)
    log.info("kept the catalog of version %d as %s", version, kept)
