"""Super-resolvers: shapes, ranges, and files that do or do not fit."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Literal

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from edgeft_core.config import DataConfig
from edgeft_core.errors import WeightsError
from edgeft_core.models.super_resolution import (
    FORMAT,
    BicubicUpscaler,
    ResidualUpscaler,
    build_super_resolver,
    save_residual,
)


def config(path: Path | str = "bicubic", low_res_px: Literal[16, 24, 32] = 32) -> DataConfig:
    return DataConfig(super_resolution=str(path), low_res_px=low_res_px)


@pytest.mark.parametrize("low_res_px", [16, 24, 32])
def test_bicubic_enlarges_each_size_and_stays_within_0_and_1(low_res_px: Literal[16, 24, 32]) -> None:
    network = build_super_resolver(config(low_res_px=low_res_px))
    out = network(torch.rand(2, 3, low_res_px, low_res_px).round())
    assert out.shape == (2, 3, 112, 112)
    assert float(out.min()) >= 0
    assert float(out.max()) <= 1


@pytest.mark.parametrize("low_res_px", [16, 24, 32])
def test_an_untrained_network_is_bicubic(low_res_px: int) -> None:
    low = torch.rand(2, 3, low_res_px, low_res_px)
    assert torch.equal(ResidualUpscaler(112, width=8, blocks=1)(low), BicubicUpscaler(112)(low))


def test_the_default_network_has_less_than_a_million_parameters() -> None:
    assert sum(one.numel() for one in ResidualUpscaler().parameters()) < 1_000_000


def trained(image_px: int = 112) -> ResidualUpscaler:
    network = ResidualUpscaler(image_px, width=8, blocks=2)
    nn.init.normal_(network.out.weight, std=0.05)
    return network


def test_a_saved_network_comes_back_as_it_was(tmp_path: Path) -> None:
    network = trained()
    save_residual(network, tmp_path / "new" / "sr.safetensors", {"low_res_px": "32"})
    loaded = build_super_resolver(config(tmp_path / "new" / "sr.safetensors"))
    low = torch.rand(2, 3, 32, 32)
    assert torch.equal(loaded(low), network(low))
    assert not loaded.training
    assert not any(one.requires_grad for one in loaded.parameters())
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["sr.safetensors"]


class Enlarge(nn.Module):
    """A user's network."""

    def __init__(self, px: int, factor: float = 1.0) -> None:
        super().__init__()
        self.px, self.factor = px, factor

    def forward(self, images: Tensor) -> Tensor:
        return self.factor * nn.functional.interpolate(images, size=(self.px, self.px))


def scripted(path: Path, px: int = 112, factor: float = 1.0) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        network = torch.jit.trace(Enlarge(px, factor), torch.rand(1, 3, 32, 32))  # type: ignore[no-untyped-call]
        network.save(str(path))
    return path


def test_a_torchscript_file_is_used(tmp_path: Path) -> None:
    network = build_super_resolver(config(scripted(tmp_path / "mine.pt")))
    low = torch.rand(3, 3, 32, 32)
    assert torch.equal(network(low), nn.functional.interpolate(low, size=(112, 112)))


def test_a_torchscript_file_of_another_size_or_range_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"\(1, 3, 128, 128\).*\(1, 3, 112, 112\) is needed"):
        build_super_resolver(config(scripted(tmp_path / "size.pt", px=128)))
    with pytest.raises(WeightsError, match="from 0 to 1"):
        build_super_resolver(config(scripted(tmp_path / "range.pt", factor=255)))


def test_a_missing_file_says_what_can_be_given(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"there is no file.*bicubic"):
        build_super_resolver(config(tmp_path / "none.safetensors"))


@pytest.mark.parametrize("name", ["rubbish.safetensors", "rubbish.pt"])
def test_a_file_of_rubbish_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"rubbish" * 20)
    with pytest.raises(WeightsError, match=name):
        build_super_resolver(config(tmp_path / name))


def test_a_state_dict_is_refused_with_the_way_out(tmp_path: Path) -> None:
    torch.save(trained().state_dict(), tmp_path / "state.pt")
    with pytest.raises(WeightsError, match="state dict cannot be used"):
        build_super_resolver(config(tmp_path / "state.pt"))


def test_safetensors_of_something_else_are_refused(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="no super-resolution network"):
        build_super_resolver(config(tmp_path / "other.safetensors"))


def test_every_tensor_that_does_not_fit_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "sr.safetensors"
    save_residual(trained(), path, {})
    tensors = load_file(path)
    del tensors["stem.bias"]
    tensors["extra"] = torch.zeros(1)
    tensors["out.weight"] = torch.zeros(3, 4, 3, 3)
    save_file(tensors, path, metadata={"format": FORMAT, "width": "8", "blocks": "2"})
    with pytest.raises(WeightsError) as caught:
        build_super_resolver(config(path))
    for part in ("stem.bias is missing", "extra is unexpected", "out.weight has shape (3, 4, 3, 3)"):
        assert part in str(caught.value)
