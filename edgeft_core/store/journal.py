"""Which journal a SQLite file uses: WAL, or a rollback journal where WAL's shared memory cannot work."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import psutil

BUSY_TIMEOUT_S = 10.0

NETWORK_FILE_SYSTEMS = frozenset(
    {
        "nfs",
        "nfs3",
        "nfs4",
        "cifs",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "afpfs",
        "webdav",
        "davfs",
        "afs",
        "ncpfs",
    }
    | {
        "fuse.sshfs",
        "sshfs",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.gcsfuse",
        "ceph",
        "fuse.ceph",
        "lustre",
        "gpfs",
    }
    | {"glusterfs", "fuse.glusterfs", "beegfs", "drvfs", "vboxsf", "fuse.vmhgfs-fuse"}
)


def on_network(path: Path) -> bool:
    """Whether a path lies on a file system that other machines (or a guest's host) share."""
    text = str(path.absolute())
    if text.startswith("\\\\"):
        return True
    mounts = [part for part in psutil.disk_partitions(all=True) if path.is_relative_to(part.mountpoint)]
    if not mounts:
        return False
    nearest = max(mounts, key=lambda part: len(part.mountpoint))
    return nearest.fstype.lower() in NETWORK_FILE_SYSTEMS or "remote" in nearest.opts.split(",")


def set_journal(connection: sqlite3.Connection, path: Path) -> str:
    """Choose and set the journal; returns the mode in force ("wal" or "delete").

    The answer of the pragma counts, not the wish: SQLite refuses WAL by answering with another mode, and some
    file systems only by failing at the first lock.
    """
    if not on_network(path):
        try:
            if _journal(connection, "WAL") == "wal":
                connection.execute("PRAGMA synchronous=NORMAL")
                return "wal"
        except sqlite3.OperationalError as error:
            if not _is_lack_of_shared_memory(error):
                raise
    mode = _journal(connection, "DELETE")
    connection.execute("PRAGMA synchronous=FULL")
    return mode


def _journal(connection: sqlite3.Connection, mode: str) -> str:
    return str(connection.execute(f"PRAGMA journal_mode={mode}").fetchone()[0])


def _is_lack_of_shared_memory(error: sqlite3.OperationalError) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL}
