"""What every head of a sweep shares: the first stage of a run, its backbone frozen."""

from __future__ import annotations

from collections.abc import Sequence

from edgeft_core.config import RunConfig
from edgeft_core.config_sweep import SweepAxis, SweepConfig
from edgeft_core.labs.sweep.heads import checked_sweep

LEAST_FREE_PATIENCE = 10_000
"""Heads of a sweep never stop early, so that all of them are compared at the same step."""


def with_sweep(base: RunConfig, axes: Sequence[SweepAxis], *, draws: int = 0, epochs: int = 0) -> RunConfig:
    """A config that sweeps ``axes`` over the first stage of ``base``.

    The backbone is frozen and its embeddings are cached whatever the stage says: that is what makes a sweep cheap.

    Args:
        draws: heads drawn at random; 0 trains the grid.
        epochs: of the stage; 0 leaves what ``base`` says.

    Raises:
        ConfigError: lists everything that is wrong with the axes.
    """
    first = base.stages[0]
    stage = first.model_copy(
        update={
            "name": "sweep",
            "epochs": epochs or first.epochs,
            "train_backbone": False,
            "contrastive_weight": 0.0,
            "cached_views": max(1, first.cached_views),
            "patience_epochs": LEAST_FREE_PATIENCE,
        }
    )
    earlier = base.sweep or SweepConfig.model_construct(axes=())
    kept = earlier.model_dump(exclude={"axes", "draws"})
    sweep = checked_sweep(SweepConfig.model_construct(**kept, axes=tuple(axes), draws=draws))
    return base.model_copy(update={"stages": (stage,), "sweep": sweep})
