"""TorchScript archives are read, never run."""

from __future__ import annotations

import os
import pickle
import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from edgeft_core.errors import WeightsError
from edgeft_core.models import BACKBONES
from edgeft_core.models.weights.reading import read_weight_file
from edgeft_core.models.weights.torchscript import is_torchscript, read_torchscript
from tests.models.weight_files import save_scripted, save_traced, with_record


class Small(nn.Module):
    """Everything that a tree may hold: nesting, a tied layer, a transposed weight, buffers, plain attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
        self.tied = self.model[0]
        self.turned = nn.Parameter(torch.randn(5, 2).t())
        self.sizes = [1, 2]
        self.names = {"a": 1}

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.model(x)
        return out


def loaded_by_torch(path: Path) -> dict[str, Tensor]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        state: dict[str, Tensor] = torch.jit.load(str(path)).state_dict()  # type: ignore[no-untyped-call]
    return state


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_scripted_module_gives_the_names_and_values_that_torch_gives(
    tmp_path: Path, dtype: torch.dtype
) -> None:
    path = save_scripted(Small().to(dtype), tmp_path / "small.pt")
    expected, got = loaded_by_torch(path), read_torchscript(path)
    assert got.keys() == expected.keys()
    assert all(
        torch.equal(got[key], expected[key]) and got[key].dtype == expected[key].dtype for key in expected
    )


def test_traced_edgeface_is_read(tmp_path: Path) -> None:
    network = BACKBONES["edgeface_xxs"]()
    path = save_traced(network, tmp_path / "edgeface_xxs.pt", torch.zeros(1, 3, 112, 112))
    file = read_weight_file(path)
    assert file.file_format == "TorchScript"
    expected = network.state_dict()
    assert file.tensors.keys() == expected.keys()
    assert all(torch.equal(file.tensors[key], expected[key]) for key in expected)


def test_a_plain_torch_file_is_no_torchscript(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "plain.pt")
    assert not is_torchscript(tmp_path / "plain.pt")


def test_a_frozen_archive_is_explained(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.freeze(torch.jit.script(Small().eval())).save(str(tmp_path / "frozen.pt"))
    with pytest.raises(WeightsError, match=r"frozen .*before freezing"):
        read_weight_file(tmp_path / "frozen.pt")


class Hostile:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.target),)


def test_code_in_the_object_tree_is_refused_and_not_run(tmp_path: Path) -> None:
    whole = save_scripted(Small(), tmp_path / "small.pt")
    bad = with_record(
        whole, tmp_path / "bad.pt", "/data.pkl", pickle.dumps(Hostile(tmp_path / "made"), protocol=2)
    )
    with pytest.raises(WeightsError, match="mkdir"):
        read_weight_file(bad)
    assert not (tmp_path / "made").exists()


def test_code_that_does_not_compile_is_never_looked_at(tmp_path: Path) -> None:
    whole = save_scripted(Small(), tmp_path / "small.pt")
    odd = with_record(whole, tmp_path / "odd.pt", ".py", b"this is no program")
    with pytest.raises(RuntimeError):
        loaded_by_torch(odd)
    assert read_torchscript(odd).keys() == loaded_by_torch(whole).keys()


@pytest.mark.parametrize("content", [b"", b"\x80\x02.", b"\x80\x02]q\x00.", b"garbage"])
def test_a_damaged_object_tree_is_explained(tmp_path: Path, content: bytes) -> None:
    bad = with_record(
        save_scripted(Small(), tmp_path / "small.pt"), tmp_path / "bad.pt", "/data.pkl", content
    )
    with pytest.raises(WeightsError, match="TorchScript archive"):
        read_weight_file(bad)


def test_a_tensor_that_reaches_beyond_its_record_is_refused(tmp_path: Path) -> None:
    whole = save_scripted(Small(), tmp_path / "small.pt")
    with pytest.raises(WeightsError, match="damaged TorchScript archive"):
        read_weight_file(with_record(whole, tmp_path / "short.pt", "/data/0", b"\0" * 8))
