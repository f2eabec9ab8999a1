"""Deleting a run: its folder and its rows."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

from edgeft_core import access, store
from edgeft_core.errors import EdgeFTError, HomeError, TransitionError
from edgeft_core.jobs.states import ACTIVE
from edgeft_core.settings import Home

_TRASH = ".deleted-"


def delete(home: Home, run: str) -> None:
    """Remove a run that does not go: checkpoints, metrics, log and rows. It cannot be undone.

    The folder is moved aside first, in one step: a file that another program holds open (Windows) is noticed
    before anything is lost.

    Raises:
        AccessError: for who may only look.
        TransitionError: the run still goes.
        HomeError: its folder cannot be removed.
    """
    access.require_control()
    with closing(store.open_catalog(home.catalog_url)) as catalog:
        record = catalog.run(run)
        run_id = record.id
        if record.state in ACTIVE:
            raise TransitionError(
                f"Run {record.name} ({run_id}) is {record.state}; stop it before deleting it."
            )
        folder = home.run_folder(run_id)
        trash = folder.with_name(_TRASH + run_id)
        moved = _move_aside(folder, trash)
        try:
            catalog.delete_run(run_id)
        except EdgeFTError:
            if moved:
                trash.rename(folder)
            raise
    for leftover in folder.parent.glob(_TRASH + "*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _move_aside(folder: Path, trash: Path) -> bool:
    if not folder.exists():
        return False
    shutil.rmtree(trash, ignore_errors=True)
    try:
        folder.rename(trash)
    except OSError as error:
        raise HomeError(
            f"The run's folder {folder} cannot be removed ({error.strerror or error}). "
            "Close what has one of its files open, then delete the run again."
        ) from error
    return True
