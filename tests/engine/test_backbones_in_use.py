"""Other networks and heads through the whole engine."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from edgeft_core.engine import checkpoint_file
from edgeft_core.events import BatchDone, RunEnded, RunPrepared
from tests.engine.runs import events_of, of, tiny

SHORT = {"stages__0__epochs": 1, "stages__1__epochs": 1}


def test_a_timm_network_trains_with_its_batch_norm_statistics_frozen(tmp_path: Path) -> None:
    config = tiny(backbone__name="test_resnet", **SHORT)
    events = events_of(config, tmp_path)
    assert of(RunEnded, events)[0].reason == "finished"
    assert of(BatchDone, events)[-1].scalars["grad_norm_backbone"] > 0.0
    trained = checkpoint_file.read(tmp_path / "run" / "checkpoints" / "last.pt")["backbone"]
    means = [value for name, value in trained.items() if name.endswith("running_mean")]
    assert means
    assert not torch.cat(means).any()


@pytest.mark.parametrize("kind", ["arcface", "cosface", "softmax"])
def test_every_head_trains(tmp_path: Path, kind: str) -> None:
    events = events_of(tiny(head__kind=kind, head__centre=True, head__label_smoothing=0.1, **SHORT), tmp_path)
    assert of(RunEnded, events)[0].reason == "finished"
    assert of(BatchDone, events)[0].scalars["centre"] == 1.0


def test_a_partly_loaded_network_carries_its_warning(tmp_path: Path) -> None:
    weights = {"model.stem.0.weight": torch.randn(24, 3, 4, 4)}
    torch.save(weights, tmp_path / "partial.pt")
    config = tiny(
        backbone__weights=str(tmp_path / "partial.pt"),
        backbone__allow_partial=True,
        **SHORT,
    )
    prepared = of(RunPrepared, events_of(config, tmp_path))[0]
    assert any("partial.pt" in warning for warning in prepared.warnings)
    assert prepared.weights["complete"] is False
