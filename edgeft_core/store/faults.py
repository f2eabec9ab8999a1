"""What a database's complaints mean for the user: one sentence each."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from edgeft_core.errors import DiskFullError, EdgeFTError, HomeError

_NOT_WRITABLE = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
}
_PRIMARY_CODE = 0xFF  # extended result codes keep the primary one in their low byte


@contextmanager
def told_plainly(what: str, where: object) -> Iterator[None]:
    """Turn database errors inside the block into ones for the user.

    Args:
        what: the thing in words, "catalog" or "metrics".
        where: its path or address (without a password).

    Raises:
        DiskFullError: no space is left.
        HomeError: it is read-only, damaged, locked or out of reach.
    """
    try:
        yield
    except DBAPIError as error:
        plain = _meaning(error.orig, what, where)
        if plain is None:
            raise
        raise plain from error
    except (sqlite3.Error, OSError) as error:
        plain = _meaning(error, what, where)
        if plain is None:
            raise
        raise plain from error


def is_damaged(error: BaseException) -> bool:
    """Whether SQLite said that the file is not (or no longer) a sound database."""
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
    return code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _meaning(error: BaseException | None, what: str, where: object) -> EdgeFTError | None:
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
    number = getattr(error, "errno", None)
    if code == sqlite3.SQLITE_FULL or number == errno.ENOSPC:
        return DiskFullError(f"No space is left for the {what} {where}. Free some, then start the run again.")
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return HomeError(
            f"The {what} {where} is damaged ({error}). Move the file away and start again; "
            "the folders of the runs are untouched."
        )
    if isinstance(error, OSError) or code in _NOT_WRITABLE:
        return HomeError(
            f"The {what} {where} cannot be written ({error}). Make its folder writable, or choose another home "
            "with --home DIR or the environment variable EDGEFT_HOME."
        )
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return HomeError(
            f"The {what} {where} is locked by another program. Close what else has it open, then try again."
        )
    if code == sqlite3.SQLITE_IOERR:
        return HomeError(
            f"The {what} {where} cannot be read or written ({error}). Check its disk, or choose another home "
            "with --home DIR or the environment variable EDGEFT_HOME."
        )
    return None
