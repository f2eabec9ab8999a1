"""Whole configurations by name. Each function says where its numbers come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from edgeft_core.config import (
    BackboneConfig,
    DataConfig,
    HeadConfig,
    MonitorConfig,
    RunConfig,
    StageConfig,
)

LowResolution = Literal[16, 24, 32]


def recommended() -> RunConfig:
    """A good start: the head learns first, with a moderate scale and a small margin; then, gently, the backbone too."""
    # Scale 16 is near twice AdaCos' fixed value for 518 people; no temperature.
    return RunConfig(
        preset="recommended",
        head=HeadConfig(kind="arcface", scale=16.0, margin_rad=0.2),
        stages=(
            StageConfig(name="head", epochs=10, head_lr=3e-3, warmup_steps=50, schedule="cosine"),
            StageConfig(
                name="fine-tune",
                epochs=2,
                train_backbone=True,
                head_lr=3e-4,
                backbone_lr=3e-5,
                schedule="cosine",
                warmup_steps=50,
            ),
        ),
    )


def _reported(
    name: str,
    head: HeadConfig,
    *,
    head_lr: float,
    backbone_lr: float,
    low_res_px: LowResolution,
    epochs: tuple[int, int],
) -> RunConfig:
    """The recipe of the original report: two stages, AdamW, SR/HR term, early stop after ten epochs."""
    return RunConfig(
        preset=name,
        seed=42,
        data=DataConfig(low_res_px=low_res_px, batch_size=32),
        head=head,
        stages=(
            StageConfig(name="head", epochs=epochs[0], head_lr=head_lr, weight_decay=3e-5, clip_norm=1.0),
            StageConfig(
                name="fine-tune",
                epochs=epochs[1],
                train_backbone=True,
                head_lr=3e-5,
                backbone_lr=backbone_lr,
                weight_decay=3e-5,
                schedule="cosine",
                contrastive_weight=0.3,
                clip_norm=1.0,
                patience_epochs=10,
            ),
        ),
    )


def _before(name: str, low_res_px: LowResolution) -> RunConfig:
    return _reported(
        name,
        HeadConfig(scale=32.0, margin_rad=0.3, temperature=1.0, label_smoothing=0.08),
        head_lr=9e-4,
        backbone_lr=3e-6,
        low_res_px=low_res_px,
        epochs=(10, 25),
    )


def reported_before() -> RunConfig:
    """The settings under which the original run predicted one class for everything."""
    return _before("reported-before", 32)


def reported_before_16px() -> RunConfig:
    """:func:`reported_before` on faces enlarged from 16 px."""
    return _before("reported-before-16px", 16)


def reported_before_24px() -> RunConfig:
    """:func:`reported_before` on faces enlarged from 24 px."""
    return _before("reported-before-24px", 24)


def reported_fix() -> RunConfig:
    """What the original report changed: s 8, m 0.1, T 4. s / T = 2 can reach a probability of 1.4 % at 518 classes."""
    return _reported(
        "reported-fix",
        HeadConfig(scale=8.0, margin_rad=0.1, temperature=4.0, label_smoothing=0.08),
        head_lr=1e-4,
        backbone_lr=3e-6,
        low_res_px=32,
        epochs=(10, 25),
    )


def reported_fix_16px() -> RunConfig:
    """The report's values for 16 px."""
    return _reported(
        "reported-fix-16px",
        HeadConfig(scale=12.0, margin_rad=0.1, temperature=3.0, label_smoothing=0.08),
        head_lr=1.5e-4,
        backbone_lr=5e-6,
        low_res_px=16,
        epochs=(15, 40),
    )


def reported_fix_24px() -> RunConfig:
    """The report's values for 24 px."""
    return _reported(
        "reported-fix-24px",
        HeadConfig(scale=10.0, margin_rad=0.1, temperature=3.5, label_smoothing=0.08),
        head_lr=1.3e-4,
        backbone_lr=4e-6,
        low_res_px=24,
        epochs=(12, 35),
    )


def insightface() -> RunConfig:
    """ArcFace as published, s 64 and m 0.5, for large data sets trained long."""
    base = recommended()
    head = HeadConfig(kind="arcface", scale=64.0, margin_rad=0.5)
    return base.model_copy(update={"preset": "insightface", "head": head})


def smoke() -> RunConfig:
    """Forty people, both stages, a few seconds: does everything work?"""
    return RunConfig(
        preset="smoke",
        data=DataConfig(identities=40, images_per_identity=6, workers=0),
        head=HeadConfig(kind="arcface", scale=16.0, margin_rad=0.1),
        stages=(
            StageConfig(name="head", epochs=2, head_lr=3e-3, cached_views=1),
            StageConfig(name="fine-tune", epochs=1, train_backbone=True, head_lr=3e-4, backbone_lr=3e-5),
        ),
        monitor=MonitorConfig(window_images=128, heavy_every_steps=5, sample_images=16),
    )


def collapse_demo() -> RunConfig:
    """:func:`reported_before` on the demo backbone fed with pixels as 0 to 255: it falls onto a few classes."""
    base = reported_before()
    return base.model_copy(
        update={
            "preset": "collapse-demo",
            "data": base.data.model_copy(update={"normalisation": "none"}),
            "backbone": BackboneConfig(weights="demo"),
        }
    )


PRESETS: Mapping[str, Callable[[], RunConfig]] = {
    "recommended": recommended,
    "reported-before": reported_before,
    "reported-fix": reported_fix,
    "reported-before-24px": reported_before_24px,
    "reported-fix-24px": reported_fix_24px,
    "reported-before-16px": reported_before_16px,
    "reported-fix-16px": reported_fix_16px,
    "insightface": insightface,
    "smoke": smoke,
    "collapse-demo": collapse_demo,
}
"""Preset name -> function that returns the whole configuration; ``recommended`` is the default."""
