"""A fork: a run of its own that sets out from another run's checkpoint, under other settings. Loads without torch."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from edgeft_core import access, store
from edgeft_core.config import RunConfig
from edgeft_core.config_keys import flatten, with_values
from edgeft_core.errors import ConfigError, RequestError, UnknownRunError, WeightsError
from edgeft_core.jobs.checkpoints import at_or_before, copy
from edgeft_core.jobs.in_force import values_at
from edgeft_core.jobs.launching import free_name, launch
from edgeft_core.jobs.states import RunState
from edgeft_core.settings import START_CHECKPOINT, Home
from edgeft_core.store.contract import Catalog, CheckpointRecord, RunRecord

_OTHER_NETWORK = "the checkpoint holds another network, which nothing of it would fit"
_OTHER_IMAGES = "images that were trained on would be scored as new ones, or belong to other people"

UNFIT: Mapping[str, str] = {
    "backbone.name": _OTHER_NETWORK,
    "backbone.embedding_dim": _OTHER_NETWORK,
    "backbone.weights": "the head was trained on the embeddings of the weights in use",
    "backbone.allow_partial": "weights are only loaded at the start of a run",
    "backbone.multiply_low_rank": "weights are only loaded at the start of a run",
    "data.identities": "the head has one class for each of the people in use",
    "data.images_per_identity": _OTHER_IMAGES,
    "data.validation_fraction": _OTHER_IMAGES,
    "data.test_fraction": _OTHER_IMAGES,
    "seed": _OTHER_IMAGES,
}
"""Settings that a fork cannot change, and why. Another ``data.source`` may hold the same people: the engine looks."""


@dataclass(frozen=True)
class Origin:
    """Where a fork comes from, as its summary and its history tell it.

    Attributes:
        parent, name: of the run that the checkpoint belongs to, as they were then.
        step, kind: of the checkpoint.
    """

    parent: str
    name: str
    step: int
    kind: str

    @property
    def words(self) -> str:
        """``"fork of collapse-demo at step 130"``."""
        return f"fork of {self.name} at step {self.step}"

    @staticmethod
    def of(run: RunRecord) -> Origin | None:
        """Where a run comes from; None for one that started from the beginning."""
        told = run.summary.get("fork")
        if not isinstance(told, Mapping):
            return None
        return Origin(
            str(told.get("parent", "")),
            str(told.get("name", "")),
            int(told.get("step") or 0),
            str(told.get("kind", "")),
        )


@dataclass(frozen=True)
class Fork:
    """What is asked of a fork.

    Attributes:
        changes: dotted key -> value.
        name: of the new run; empty takes its parent's.
        why: goes into the history of both.
        summary: facts that lists show of the new run.
    """

    changes: Mapping[str, Any]
    name: str
    why: str
    summary: Mapping[str, Any]


def fork(
    home: Home,
    run: str,
    changes: Mapping[str, Any] | None = None,
    *,
    at: int | None = None,
    name: str = "",
    why: str = "",
    summary: Mapping[str, Any] | None = None,
) -> RunRecord:
    """Queue a run that sets out from a checkpoint of another one, whatever that one does meanwhile.

    It has the settings that were in force at the checkpoint, changed by ``changes``, and counts its steps on from
    there. Without changes it continues exactly as its parent did.

    Args:
        run: id, unambiguous prefix or name of the parent.
        changes: dotted key -> value; text is parsed as the setting's type.
        at: the newest checkpoint at or before this step; the newest of all where None.
        why: goes into the history of both.
        summary: further facts that lists show of the new run.

    Raises:
        UnknownRunError: there is no such run.
        ConfigError: lists every change that is unknown, out of bounds, or that no checkpoint allows.
        RequestError: no checkpoint is early enough, or nothing is left to train.
        WeightsError: the checkpoint is damaged.
        HomeError: the new run's folder cannot be written.
        AccessError: for who may only look.
    """
    access.require_control()
    wanted = Fork(changes or {}, name.strip(), why, summary or {})
    with closing(store.open_catalog(home.catalog_url)) as catalog:
        parent = catalog.run(run)
        saved = at_or_before(catalog, parent, at)
        while True:
            try:
                return _set_out(home, catalog, parent, saved, wanted)
            except WeightsError:
                now = at_or_before(catalog, parent, at)
                if now == saved:
                    raise
                saved = now  # the run wrote a newer one at this very moment


def _set_out(
    home: Home, catalog: Catalog, parent: RunRecord, saved: CheckpointRecord, wanted: Fork
) -> RunRecord:
    config = _settings(catalog, parent, saved.step, wanted.changes)
    _something_left(parent, saved, config)
    origin = Origin(parent.id, parent.name, saved.step, saved.kind)
    carried = [replace(saved, kind="start", path=START_CHECKPOINT)]

    def furnish(folder: Path) -> None:
        copy(home, catalog, saved, folder / START_CHECKPOINT)
        if not wanted.changes:
            carried.extend(_best_of_then(home, catalog, saved, folder))

    child = launch(
        home,
        config,
        name=wanted.name or free_name(catalog, f"{parent.name}-fork"),
        parent_id=parent.id,
        summary={**wanted.summary, "fork": asdict(origin), "step": saved.step},
        furnish=furnish,
    )
    for one in carried:
        catalog.add_checkpoint(replace(one, run_id=child.id))
    _tell(catalog, child, origin, wanted, saved.sha256)
    return child


def in_force_at(catalog: Catalog, run: RunRecord, step: int) -> RunConfig:
    """The run's settings after ``step``, live changes up to then included."""
    return with_values(run.config, values_at(run.config, catalog.commands(run.id), step))


def _settings(catalog: Catalog, parent: RunRecord, step: int, changes: Mapping[str, Any]) -> RunConfig:
    before = in_force_at(catalog, parent, step)
    config = with_values(before, changes)
    old, new = flatten(before), flatten(config)
    drawn = new["data.source"] == "synthetic"
    problems = [
        f"{key}: cannot change in a fork, {why}; start a new run instead"
        for key, why in UNFIT.items()
        if old[key] != new[key] and (drawn or key not in {"data.identities", "data.images_per_identity"})
    ]
    if problems:
        raise ConfigError(problems)
    return config


def _something_left(parent: RunRecord, saved: CheckpointRecord, config: RunConfig) -> None:
    """Refuse to fork the end of a run that is complete, unless its last stage becomes longer."""
    at_end = parent.state is RunState.FINISHED and saved.step >= int(parent.summary.get("step") or 0)
    if at_end and config.stages[-1].epochs <= parent.config.stages[-1].epochs:
        last = len(config.stages) - 1
        raise RequestError(
            f"Run {parent.name} ({parent.id}) was complete at step {saved.step}: nothing is left to train. Give it "
            f"more epochs, such as stages.{last}.epochs={config.stages[last].epochs + 5}, or fork an earlier step."
        )


def _best_of_then(
    home: Home, catalog: Catalog, saved: CheckpointRecord, folder: Path
) -> list[CheckpointRecord]:
    """Copy the best checkpoint as of ``saved`` along, if the run has not replaced it since."""
    for one in catalog.checkpoints(saved.run_id):
        if one.kind == "best" and one.step <= saved.step:
            with suppress(WeightsError):  # the fork then begins a record of its own
                copy(home, catalog, one, folder / one.path)
                return [one]
    return []


def _tell(catalog: Catalog, child: RunRecord, origin: Origin, wanted: Fork, sha256: str) -> None:
    """Both histories say what happened, and why."""
    reason = f": {wanted.why}" if wanted.why else ""
    data = {
        **asdict(origin),
        "child": child.id,
        "changes": dict(wanted.changes),
        "why": wanted.why,
        "sha256": sha256,
    }
    catalog.add_history(child.id, "fork", f"{origin.words}{reason}", step=origin.step, data=data)
    with suppress(UnknownRunError):  # deleted at this moment
        text = f"forked as {child.name} from step {origin.step}{reason}"
        catalog.add_history(origin.parent, "forked", text, step=origin.step, data=data)
