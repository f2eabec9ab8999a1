"""Where twins, or a run with the fix, set out from: a checkpoint, one from before the trouble, or the beginning."""

from __future__ import annotations

from dataclasses import dataclass

from edgeft_core.diagnostics.status import BAD
from edgeft_core.proof.record import StartKind
from edgeft_core.store.contract import Catalog, CheckpointRecord, RunRecord


@dataclass(frozen=True)
class StartingPoint:
    """Attributes:
    checkpoint: None for the beginning.
    text: in words, with the reason.
    """

    kind: StartKind
    text: str
    checkpoint: CheckpointRecord | None = None

    @property
    def step(self) -> int:
        return self.checkpoint.step if self.checkpoint else 0


def starting_point(catalog: Catalog, run: RunRecord, wanted: StartKind, steps: int) -> StartingPoint:
    """The newest checkpoint that will do, else the beginning.

    Args:
        steps: that must be left to train after it.
    """
    if wanted == "beginning":
        text = "from the beginning, for what the backbone sees changes and no trained head fits that"
        return StartingPoint("beginning", text)
    saved = catalog.checkpoints(run.id)
    if not saved:
        return StartingPoint("beginning", "from the beginning, for there is no checkpoint yet")
    total = int(run.summary.get("steps_total") or 0)
    left = [one for one in saved if not total or one.step + steps <= total]
    if not left:
        text = f"from the beginning, for no checkpoint leaves {steps} steps to train"
        return StartingPoint("beginning", text)
    since = trouble_since(run)
    if wanted == "before_trouble" and since is not None:
        return _before(left, since)
    newest = _newest(left)
    return StartingPoint("checkpoint", f"from the checkpoint of step {newest.step}", newest)


def trouble_since(run: RunRecord) -> int | None:
    """The step since which the verdict is bad; None while it is not."""
    if run.summary.get("verdict") not in BAD:
        return None
    return int(run.summary.get("verdict_since") or 0)


def _before(saved: list[CheckpointRecord], since: int) -> StartingPoint:
    early = [one for one in saved if one.step < since]
    if not early:
        text = f"from the beginning, for no checkpoint is from before the trouble (step {since})"
        return StartingPoint("beginning", text)
    newest = _newest(early)
    text = f"from the checkpoint of step {newest.step}, before the trouble (step {since})"
    return StartingPoint("before_trouble", text, newest)


def _newest(saved: list[CheckpointRecord]) -> CheckpointRecord:
    return max(saved, key=lambda one: (one.step, one.id))
