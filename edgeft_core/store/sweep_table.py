"""What a sweep measured: a small table of heads by looks, in one file that its worker alone writes.

A table holds heads x looks x measures float32 numbers: 90 kB for 64 heads. So the whole file is written anew each time,
beside and renamed, and a reader sees all of one moment.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edgeft_core.errors import HomeError
from edgeft_core.store.faults import told_plainly

FORMAT: Final = 1
_RETRIES: Final = 20
_RETRY_S: Final = 0.05

Table = npt.NDArray[np.float32]


@dataclass(frozen=True)
class SweepTable:
    """K heads at F looks; NaN where nothing was measured yet.

    Attributes:
        heads: settings in which each head differs, by dotted key.
        step_F, epoch_F: when the looks are.
        values: measure -> (K, F).
    """

    heads: tuple[Mapping[str, Any], ...]
    step_F: npt.NDArray[np.int64]
    epoch_F: npt.NDArray[np.float64]
    values: Mapping[str, Table]


class SweepTableWriter:
    """Owned by one thread of a sweep's worker. Nothing is on disk before ``flush``.

    A sweep that goes on keeps what an earlier worker measured of the same heads.
    """

    def __init__(
        self, path: Path, heads: Sequence[Mapping[str, Any]], step_F: Sequence[int], epoch_F: Sequence[float]
    ) -> None:
        self._path = path
        self._heads = [dict(head) for head in heads]
        self._step_F = np.asarray(step_F, np.int64)
        self._epoch_F = np.asarray(epoch_F, np.float64)
        self._place = {step: place for place, step in enumerate(self._step_F.tolist())}
        self._changed = True
        self._values = self._kept()

    def put(self, step: int, first_head: int, values: Mapping[str, npt.NDArray[np.float32]]) -> None:
        """Measures of some heads after ``step`` steps; what was there before is replaced."""
        for name, measured in values.items():
            table = self._values.setdefault(name, self._empty())
            table[first_head : first_head + len(measured), self._place[step]] = measured
        self._changed = True

    def flush(self) -> None:
        """Put the table on disk, if it changed.

        Raises:
            DiskFullError: no space is left.
            HomeError: the place cannot be written.
        """
        if self._changed:
            about = np.array(json.dumps({"format": FORMAT, "heads": self._heads}))
            arrays: dict[str, Any] = {"_about": about, "_step": self._step_F, "_epoch": self._epoch_F}
            buffer = io.BytesIO()
            np.savez_compressed(buffer, **(arrays | self._values))
            with told_plainly("table", self._path):
                _replace(self._path, buffer.getvalue())
            self._changed = False

    def _kept(self) -> dict[str, Table]:
        """What an earlier worker of the same sweep measured; a damaged table is measured anew."""
        try:
            before = read_sweep_table(self._path)
        except HomeError:
            return {}
        if before is None or list(before.heads) != self._heads:
            return {}
        same = np.array_equal(before.step_F, self._step_F)
        return dict(before.values) if same else {}

    def _empty(self) -> Table:
        return np.full((len(self._heads), len(self._step_F)), np.nan, np.float32)


def read_sweep_table(path: Path) -> SweepTable | None:
    """The table as it was last written; None where there is none yet.

    Raises:
        HomeError: the file is damaged or of a newer version.
    """
    try:
        payload = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HomeError(f"The sweep's table {path} cannot be read ({error.strerror or error}).") from error
    try:
        with np.load(io.BytesIO(payload), allow_pickle=False) as file:
            about = json.loads(str(file["_about"]))
            values = {name: file[name] for name in file.files if not name.startswith("_")}
            found = SweepTable(tuple(about["heads"]), file["_step"], file["_epoch"], values)
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise HomeError(
            f"The sweep's table {path} is damaged ({error}); other runs are not affected."
        ) from error
    if about["format"] > FORMAT:
        raise HomeError(f"{path} was written by a newer version of EdgeFT; update EdgeFT to see this sweep.")
    return found


def _replace(path: Path, payload: bytes) -> None:
    """Write beside and rename; on Windows a reader may hold the old file for a moment."""
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(payload)
    for attempt in range(_RETRIES):
        try:
            temporary.replace(path)
        except PermissionError:
            if attempt == _RETRIES - 1:
                raise
            time.sleep(_RETRY_S)
        else:
            return
