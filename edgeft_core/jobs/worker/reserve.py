"""Space that a run keeps in reserve, so that on a full disk it can still say that the disk is full."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

RESERVE_BYTES = 512 * 1024
ROOM_BYTES = 4 * RESERVE_BYTES
"""So much must be free before a run that waited for space goes on."""


class Reserve:
    """A file that is given up when space is needed for a few words."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "reserve.bin"

    def keep(self) -> None:
        """Take the space; without any left there is no reserve."""
        try:
            self._path.write_bytes(os.urandom(RESERVE_BYTES))  # no file system can shrink random bytes
        except OSError:
            self.release()

    def release(self) -> None:
        with suppress(OSError):
            self._path.unlink()

    def there_is_room(self) -> bool:
        """Whether the disk has space again; also where nobody can tell."""
        return not is_full(self._path.parent, ROOM_BYTES)


def is_full(folder: Path, needed_bytes: int = RESERVE_BYTES) -> bool:
    """Whether the folder's disk has less than that left."""
    try:
        return shutil.disk_usage(folder).free < needed_bytes
    except OSError:
        return False
