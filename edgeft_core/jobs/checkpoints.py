"""Which checkpoint of a run to set out from, and a copy of it that is proven whole. Loads without torch."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from edgeft_core.errors import HomeError, RequestError, WeightsError
from edgeft_core.settings import Home
from edgeft_core.store.contract import Catalog, CheckpointRecord, RunRecord

_BLOCK = 1 << 20


def at_or_before(catalog: Catalog, run: RunRecord, step: int | None) -> CheckpointRecord:
    """The newest checkpoint at or before ``step``; the newest of all where None.

    Raises:
        RequestError: there is none; says which there are.
    """
    saved = catalog.checkpoints(run.id)
    if not saved:
        raise RequestError(
            f"Run {run.name} ({run.id}) has no checkpoint yet; the first comes after an epoch, or when you save one."
        )
    early = [one for one in saved if step is None or one.step <= step]
    if not early:
        raise RequestError(
            f"Run {run.name} ({run.id}) has no checkpoint at or before step {step}; there are some at {_steps(saved)}."
        )
    return max(early, key=lambda one: (one.step, one.id))


def copy(home: Home, catalog: Catalog, record: CheckpointRecord, target: Path) -> None:
    """Copy a checkpoint to ``target`` and check every byte of it.

    Raises:
        WeightsError: the file is damaged or gone, or another one took its place; then the catalog knows that one.
        HomeError: the copy cannot be written.
    """
    if _copied(home.run_folder(record.run_id) / record.path, target) == record.sha256:
        return
    target.unlink(missing_ok=True)
    raise WeightsError(
        f"The checkpoint {record.path} of step {record.step} is damaged or gone (its checksum is not the one that was "
        f"recorded); take another one of the run's: {_steps(catalog.checkpoints(record.run_id))}."
    )


def _copied(source: Path, target: Path) -> str:
    """SHA-256 of what arrived; empty where there was nothing to copy."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        digest = hashlib.sha256()
        with target.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except FileNotFoundError:
        return ""
    except OSError as error:
        target.unlink(missing_ok=True)
        raise HomeError(f"The checkpoint {source} cannot be copied to {target.parent}: {error}.") from error
    return digest.hexdigest()


def _steps(saved: Sequence[CheckpointRecord]) -> str:
    return ", ".join(f"step {one.step} ({one.kind})" for one in saved)
