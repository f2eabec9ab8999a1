"""The backbone in use: what is frozen, what is measured, and that a batch's neighbours do not matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from edgeft_core.config import DataConfig
from edgeft_core.engine.device import Precision, choose_device, choose_precision, describe
from edgeft_core.engine.embedder import Embedder, same_image_cosine
from edgeft_core.engine.pixels import PixelPipeline, as_tensor
from edgeft_core.errors import ConfigError
from edgeft_core.models.super_resolution import build_super_resolver

CPU = torch.device("cpu")


def with_statistics() -> Embedder:
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(), nn.Linear(144, 8)
    )
    return Embedder(network, CPU, Precision())


def test_batch_norm_statistics_stay_frozen_while_the_backbone_trains() -> None:
    embedder = with_statistics()
    norm = embedder.backbone.get_submodule("1")
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    before = norm.running_mean.clone()
    embedder.train_mode(True)
    embedder(torch.randn(4, 3, 8, 8)).sum().backward()  # type: ignore[no-untyped-call]
    assert torch.equal(norm.running_mean, before)
    assert norm.weight.grad is not None
    assert embedder.trains


def test_a_frozen_embedding_has_no_dropout_and_no_gradient_and_leaves_the_mode_as_it_was() -> None:
    embedder = with_statistics()
    embedder.train_mode(True)
    images = torch.randn(4, 3, 8, 8)
    assert torch.equal(embedder.frozen(images), embedder.frozen(images))
    assert not torch.equal(embedder(images), embedder(images))
    assert not embedder.frozen(images).requires_grad
    assert not embedder.backbone.get_submodule("1").training


def test_the_same_image_cosine_is_nan_where_there_is_no_twin() -> None:
    emb = torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    cos = same_image_cosine(emb, torch.tensor([[2.0, 0.0], [3.0, 0.0]]))
    assert cos[:2].tolist() == [1.0, 0.0]
    assert torch.isnan(cos[2])


def test_the_pull_moves_sr_towards_hr_and_not_the_other_way() -> None:
    sr = torch.tensor([[1.0, 0.2]], requires_grad=True)
    hr = torch.tensor([[0.2, 1.0]], requires_grad=True)
    same_image_cosine(sr, hr).sum().backward()  # type: ignore[no-untyped-call]
    assert sr.grad is not None
    assert hr.grad is None


def faces(n: int = 6) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    random = np.random.default_rng(0)
    hr = random.integers(0, 256, (n, 32, 32, 3), np.uint8)
    lr = random.integers(0, 256, (n, 16, 16, 3), np.uint8)
    return as_tensor(hr), as_tensor(lr), torch.arange(n) + 40


def pipeline(**changes: Any) -> PixelPipeline:
    config = DataConfig(image_px=32, low_res_px=16, **changes)
    return PixelPipeline(config, build_super_resolver(config), seed=3, device=CPU)


def test_an_image_looks_the_same_whatever_batch_it_comes_in() -> None:
    hr, lr, rows = faces()
    together = pipeline()(hr, lr, rows, view=2, twins=6)
    alone = pipeline()(hr[4:5], lr[4:5], rows[4:5], view=2, twins=1)
    assert torch.equal(together.images_B3HW[4:5], alone.images_B3HW)
    assert torch.equal(together.twins_T3HW[4:5], alone.twins_T3HW)


def test_plain_images_are_normalised_only() -> None:
    hr, lr, rows = faces()
    plain = pipeline(train_on="hr", normalisation="none")(hr, lr, rows, view=None, twins=0)
    assert torch.allclose(plain.images_B3HW, hr.float(), atol=1e-3)
    assert len(plain.twins_T3HW) == 0


def test_both_resolutions_of_a_face_are_augmented_alike() -> None:
    grey = np.full((8, 32, 32, 3), 60, np.uint8)
    small = np.full((8, 16, 16, 3), 60, np.uint8)
    both = pipeline()(as_tensor(grey), as_tensor(small), torch.arange(8), view=1, twins=8)
    assert torch.allclose(both.images_B3HW, both.twins_T3HW, atol=1e-3)


@pytest.mark.parametrize("name", ["tpu", "cuda:99", "xla", "nonsense"])
def test_a_device_that_is_not_there_is_refused_with_a_way_out(name: str) -> None:
    with pytest.raises(ConfigError, match="use auto"):
        choose_device(name)


def test_the_cpu_is_always_there_and_described_with_its_threads() -> None:
    assert choose_device("cpu") == CPU
    assert describe(CPU) == f"cpu ({torch.get_num_threads()} threads)"
    assert choose_precision(CPU, amp=True) == Precision()
