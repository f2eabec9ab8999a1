"""Starting a run: its folder, its row in the queue, and somebody who moves the queue. Fast, and without torch."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from edgeft_core import access, store
from edgeft_core.config import RunConfig
from edgeft_core.errors import HomeError
from edgeft_core.events import ControlRequest
from edgeft_core.jobs import dispatcher
from edgeft_core.jobs.paths import require_paths, with_absolute_paths
from edgeft_core.jobs.preflighting import keep_with_run
from edgeft_core.settings import Home
from edgeft_core.store.contract import Catalog, RunRecord

_ID_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # no letters that are taken for digits
_ID_LENGTH = 8


def launch(
    home: Home,
    config: RunConfig,
    *,
    name: str = "",
    parent_id: str | None = None,
    summary: Mapping[str, Any] | None = None,
    furnish: Callable[[Path], None] | None = None,
    requests: Sequence[ControlRequest] = (),
    requested_by: str = "",
) -> RunRecord:
    """Put a run into the queue and see to it that the queue moves.

    Args:
        name: shown in lists; empty takes the preset's name, numbered where that is taken.
        parent_id: the run that this one was derived from.
        summary: facts that lists show, such as where it was derived from.
        furnish: puts what the run needs besides into its folder, before anybody can start it.
        requests: live commands that wait for it from the beginning; requested_by: who asks for them.

    Returns:
        The queued run.

    Raises:
        AccessError: the visitor may only look, or a path lies outside the folders that they may name.
        ConfigError: a path in the config does not exist; lists all of them.
        HomeError: the home folder cannot be written.
    """
    access.require_control()
    require_paths(config, but_for=_parent(home, parent_id))
    config = with_absolute_paths(config)
    home.ensure()
    run_id = new_run_id()
    folder = home.run_folder(run_id)
    try:
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(config.model_dump_json(indent=2) + "\n", encoding="utf-8")
        keep_with_run(home, run_id, config)
    except OSError as error:
        raise HomeError(f"The run's folder {folder} cannot be written: {error.strerror or error}.") from error
    try:
        if furnish is not None:
            furnish(folder)
        with closing(store.open_catalog(home.catalog_url)) as catalog:
            chosen = name.strip() or free_name(catalog, config.preset)
            run = catalog.add_run(
                run_id,
                chosen,
                config,
                parent_id=parent_id,
                summary=summary,
                requests=requests,
                requested_by=requested_by,
            )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    dispatcher.ensure(home)
    return run


def new_run_id() -> str:
    """Eight letters and digits, a letter first, so that a short prefix is enough to name a run."""
    first = secrets.choice(_ID_ALPHABET[:-8])
    return first + "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH - 1))


def free_name(catalog: Catalog, wanted: str) -> str:
    """``wanted``, or ``wanted-2``, ``wanted-3``, ... if runs of that name are there already."""
    taken = {run.name for run in catalog.runs()}
    return next(name for name in _numbered(wanted) if name not in taken)


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1


def _parent(home: Home, parent_id: str | None) -> RunConfig | None:
    if parent_id is None:
        return None
    with closing(store.open_catalog(home.catalog_url)) as catalog:
        return catalog.run(parent_id).config
