"""Is there room on the disk for what the run writes?"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from edgeft_core.data.drawn import DrawnPeople
from edgeft_core.diagnostics.case import Finding
from edgeft_core.preflight.report import Passed
from edgeft_core.preflight.subject import Subject
from edgeft_core.preflight.thresholds import DISK_SPARE_BYTES

_CHECKPOINTS_KEPT = 2  # best and last
_ADAMW_COPIES = 3  # weights and two moments
_BACKBONE_PARAMETERS = {  # of the four EdgeFace variants; other backbones are counted once they are built
    "edgeface_xxs": 1.24e6,
    "edgeface_xs_gamma_06": 1.77e6,
    "edgeface_s_gamma_05": 3.65e6,
    "edgeface_base": 18.23e6,
}


def disk(subject: Subject) -> Iterator[Finding | Passed]:
    """Pixels still to draw, cached embeddings and checkpoints against the free space."""
    if subject.dataset is None:
        return
    needed = _pixels(subject) + _embeddings(subject) + _checkpoints(subject)
    free = shutil.disk_usage(_existing(subject.cache)).free
    values = {"needed_bytes": needed, "free_bytes": float(free)}
    told = f"The run writes about {_mib(needed)}; {_mib(free)} are free"
    if free >= needed + DISK_SPARE_BYTES:
        yield Passed("settings.disk", f"{told}.", values)
        return
    yield Finding(
        "settings.disk",
        "blocking" if free < needed else "warning",
        f"{told} on the disk of {subject.cache}. Free some space, or choose another home folder.",
        values=values,
    )


def _pixels(subject: Subject) -> float:
    source, px = subject.data.high, subject.data.image_px
    return float(len(source.missing()) * px * px * 3) if isinstance(source, DrawnPeople) else 0.0


def _embeddings(subject: Subject) -> float:
    config = subject.config
    views = max((stage.cached_views for stage in config.stages if not stage.train_backbone), default=0)
    return views * len(subject.data.splits["train"]) * config.backbone.embedding_dim * 4.0


def _checkpoints(subject: Subject) -> float:
    config = subject.config
    parameters = float(subject.data.n_classes * config.backbone.embedding_dim)
    if any(stage.train_backbone for stage in config.stages):
        parameters += _BACKBONE_PARAMETERS.get(config.backbone.name, 0.0)
    return _CHECKPOINTS_KEPT * _ADAMW_COPIES * 4.0 * parameters


def _existing(folder: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _mib(size: float) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
