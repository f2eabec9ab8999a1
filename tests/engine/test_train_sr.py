"""Training our own super-resolution: it beats bicubic, is kept, and can be used."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from edgeft_core.config import DataConfig
from edgeft_core.data import open_dataset
from edgeft_core.data.batches import BatchLoader
from edgeft_core.engine.train_sr import Progress, learning_rate_share, mean_psnr, train_super_resolution
from edgeft_core.errors import DiskFullError, NonFiniteError
from edgeft_core.models.super_resolution import BicubicUpscaler, build_super_resolver

SMALL = {"identities": 16, "images_per_identity": 6, "image_px": 48, "low_res_px": 16, "workers": 0}


def train(
    out: Path, *, steps: int = 30, lr: float = 1e-3, progress: Progress | None = None
) -> dict[str, float | int | str]:
    return train_super_resolution(
        DataConfig.model_validate(SMALL),
        out=out,
        cache=out.parent.parent / "cache",
        steps=steps,
        batch_size=8,
        lr=lr,
        device="cpu",
        width=8,
        blocks=1,
        progress=progress,
    )


@pytest.mark.slow
def test_a_short_training_beats_bicubic_and_its_file_does_the_same(tmp_path: Path) -> None:
    out = tmp_path / "weights" / "sr.safetensors"
    told: list[tuple[str, int, int]] = []
    figures = train(out, steps=100, lr=3e-3, progress=lambda *one: told.append(one))
    assert float(figures["psnr_db"]) > float(figures["psnr_bicubic_db"]) + 0.1
    assert told[-1] == ("Training super-resolution", 100, 100)
    config = DataConfig.model_validate({**SMALL, "super_resolution": str(out)})
    data = open_dataset(config, seed=42, cache=tmp_path / "cache")
    loader = BatchLoader(data, "validation", batch_size=32, seed=42, shuffle=True, workers=0)
    again = mean_psnr(build_super_resolver(config), loader, torch.device("cpu"))
    assert again == pytest.approx(float(figures["psnr_db"]), abs=1e-3)


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    for name in ("one", "two"):
        train(tmp_path / "weights" / f"{name}.safetensors", steps=5)
    one, two = (load_file(tmp_path / "weights" / f"{name}.safetensors") for name in ("one", "two"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert float(one["out.weight"].abs().max()) > 0


def test_psnr_is_that_of_the_mean_squared_error_of_each_image(tmp_path: Path) -> None:
    data = open_dataset(DataConfig.model_validate(SMALL), seed=1, cache=tmp_path)
    loader = BatchLoader(data, "validation", batch_size=5, seed=1, shuffle=False, workers=0)
    network = BicubicUpscaler(48)
    slow = []
    for index in data.splits["validation"]:
        low = torch.from_numpy(data.read_lr([index])).permute(0, 3, 1, 2) / 255
        high = torch.from_numpy(data.read_hr([index])).permute(0, 3, 1, 2) / 255
        slow.append(10 * math.log10(1 / float(((network(low) - high) ** 2).mean())))
    assert mean_psnr(network, loader, torch.device("cpu")) == pytest.approx(sum(slow) / len(slow), abs=1e-4)


def test_the_learning_rate_rises_then_falls_to_nothing() -> None:
    shares = [learning_rate_share(step, 100) for step in range(100)]
    assert shares[:3] == [0.5, 1.0, 1.0]
    assert all(a >= b for a, b in itertools.pairwise(shares[2:]))
    assert shares[-1] < 1e-3


def test_a_diverging_training_stops_with_its_rate(tmp_path: Path) -> None:
    with pytest.raises(NonFiniteError, match="lower lr"):
        train(tmp_path / "weights" / "sr.safetensors", lr=1e30, steps=30)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DiskFullError, match="cannot be written"):
        train(tmp_path / "file" / "sr.safetensors", steps=1)
