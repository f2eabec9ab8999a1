"""What a database's complaints mean for the user: one sentence each."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from edgeft_core.errors import DamagedError, DiskFullError, EdgeFTError, HomeError, LockedError

_NOT_WRITABLE = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
}
_NO_ROOM_LOOKS_LIKE = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}  # WAL's shared memory could not grow
_LEAST_BYTES = 64 * 1024
_PRIMARY_CODE = 0xFF  # extended result codes keep the primary one in their low byte


@contextmanager
def told_plainly(what: str, where: object) -> Iterator[None]:
    """Turn database errors inside the block into ones for the user.

    Args:
        what: the thing in words, "catalog" or "metrics".
        where: its path or address (without a password).

    Raises:
        DiskFullError: no space is left.
        LockedError: another program holds it.
        DamagedError: it is no sound database.
        HomeError: it is read-only or out of reach.
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
    full = code == sqlite3.SQLITE_FULL or number in {errno.ENOSPC, errno.EDQUOT}
    if full or (code in _NO_ROOM_LOOKS_LIKE and _has_no_room(where)):
        return DiskFullError(f"No space is left for the {what} {where}. Free some, then start the run again.")
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return DamagedError(
            f"The {what} {where} is damaged ({error}). Move the file away and start again; "
            "the folders of the runs are untouched."
        )
    if isinstance(error, OSError) or code in _NOT_WRITABLE:
        return HomeError(
            f"The {what} {where} cannot be written ({error}). Make its folder writable, or choose another home "
            "with --home DIR or the environment variable EDGEFT_HOME."
        )
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return LockedError(
            f"The {what} {where} is locked by another program. Close what else has it open, then try again."
        )
    if code == sqlite3.SQLITE_IOERR:
        return HomeError(
            f"The {what} {where} cannot be read or written ({error}). Check its disk, or choose another home "
            "with --home DIR or the environment variable EDGEFT_HOME."
        )
    return None


def _has_no_room(where: object) -> bool:
    try:
        return shutil.disk_usage(Path(str(where)).parent).free < _LEAST_BYTES
    except OSError:
        return False
