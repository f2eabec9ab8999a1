"""Reading weight files: every format and wrapping, and files that are none."""

from __future__ import annotations

import hashlib
import pickle
from argparse import Namespace
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from edgeft_core.errors import WeightsError
from edgeft_core.models.weights.matching import match_tensors
from edgeft_core.models.weights.reading import read_weight_file
from edgeft_core.models.weights.wrapping import ENTRIES, PREFIXES, core_key, unwrap

STATE = {"model.stem.0.weight": torch.ones(2, 3), "model.head.fc.bias": torch.zeros(4)}


def saved(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


@given(
    st.lists(st.sampled_from(ENTRIES), max_size=3),
    st.lists(st.sampled_from(PREFIXES), max_size=3),
    st.booleans(),
)
def test_any_combination_of_entries_and_prefixes_matches_in_full(
    entries: list[str], prefixes: list[str], published: bool
) -> None:
    bare = {key if published else key.removeprefix("model."): tensor for key, tensor in STATE.items()}
    wrapped: dict[str, Any] = {
        "".join(f"{p}." for p in prefixes) + key: tensor for key, tensor in bare.items()
    }
    for entry in reversed(entries):
        wrapped = {entry: wrapped, "epoch": 3, "optimizer": {"param_groups": [{"lr": 0.1}]}}
    tensors, path = unwrap(wrapped)
    match = match_tensors(STATE, tensors)
    assert path == tuple(entries)
    assert match.problems == ()
    assert match.loadable.keys() == STATE.keys()


@pytest.mark.parametrize(
    ("content", "entries"),
    [
        (STATE, ()),
        (OrderedDict(STATE), ()),
        (
            {"backbone_state_dict": STATE, "head_state_dict": {"weight": torch.zeros(3, 4)}},
            ("backbone_state_dict",),
        ),
        ({"epoch": 1, "state_dict": STATE, "best": 0.5}, ("state_dict",)),
        ({"checkpoint": {"model": STATE}}, ("checkpoint", "model")),
        (
            {"model": STATE, "model_ema": STATE, "optimizer": {"state": {0: {"exp_avg": torch.zeros(2)}}}},
            ("model",),
        ),
    ],
)
def test_torch_files_are_unwrapped(tmp_path: Path, content: object, entries: tuple[str, ...]) -> None:
    file = read_weight_file(saved(tmp_path / "weights.pt", content))
    assert file.file_format == "torch"
    assert file.entries == entries
    assert file.tensors.keys() == STATE.keys()


def test_safetensors_are_known_by_content_whatever_the_suffix(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    safetensors.torch.save_file(STATE, path)
    file = read_weight_file(path)
    assert file.file_format == "safetensors"
    assert file.tensors.keys() == STATE.keys()
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert file.size_bytes == path.stat().st_size


def test_a_torch_file_with_the_wrong_suffix_is_read(tmp_path: Path) -> None:
    assert read_weight_file(saved(tmp_path / "weights.safetensors", STATE)).file_format == "torch"


def test_files_in_the_old_torch_format_are_read(tmp_path: Path) -> None:
    path = tmp_path / "old.pth"
    torch.save(STATE, path, _use_new_zipfile_serialization=False)
    assert read_weight_file(path).tensors.keys() == STATE.keys()


def test_numbers_beside_the_tensors_are_left_out(tmp_path: Path) -> None:
    path = saved(tmp_path / "weights.pt", {**STATE, "epoch": 3, "name": "best"})
    assert read_weight_file(path).tensors.keys() == STATE.keys()


@pytest.mark.parametrize("keep", [0.0, 0.02, 0.5, 0.98])
@pytest.mark.parametrize("file_format", ["torch", "old torch", "safetensors"])
def test_a_truncated_file_says_that_it_is(tmp_path: Path, file_format: str, keep: float) -> None:
    path = tmp_path / "weights.bin"
    state = {"model.stem.0.weight": torch.randn(200, 30)}
    if file_format == "safetensors":
        safetensors.torch.save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=file_format == "torch")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(WeightsError, match=r"(truncated|empty).*fetch it again"):
        read_weight_file(path)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (nn.Linear(2, 2), r"torch\.nn\.modules\.linear\.Linear"),
        ({"state_dict": STATE, "args": Namespace(lr=0.1)}, r"argparse\.Namespace"),
        ({"state_dict": STATE, "best": np.float64(0.5)}, "numpy"),
    ],
)
def test_a_file_with_python_objects_is_refused_with_the_way_out(
    tmp_path: Path, content: object, named: str
) -> None:
    with pytest.raises(WeightsError, match=rf"Python objects besides tensors \({named}.*torch\.save"):
        read_weight_file(saved(tmp_path / "weights.pt", content))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"hello world, this is text", "neither safetensors, nor a torch file"),
        (b"\x93NUMPY\x01\x00v\x00{'descr'", "neither safetensors, nor a torch file"),
        (b"  <!DOCTYPE html><html>", "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
    ],
)
def test_a_file_of_another_kind_says_what_it_is(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=told):
        read_weight_file(path)


def test_a_pickle_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(pickle.dumps([1, 2, 3]))
    with pytest.raises(WeightsError, match=r"not a weight file|damaged"):
        read_weight_file(path)


def test_numpy_archives_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "weights.npz", a=np.zeros(3))
    with pytest.raises(WeightsError, match="zip archive, but not one of torch's"):
        read_weight_file(tmp_path / "weights.npz")


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, [1, 2], torch.zeros(3)])
def test_a_file_without_named_tensors_is_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(WeightsError, match="holds no state dict"):
        read_weight_file(saved(tmp_path / "weights.pt", content))


def test_several_networks_without_a_known_name_are_not_guessed_between() -> None:
    with pytest.raises(WeightsError, match=r"several state dicts \(generator, critic\)"):
        unwrap({"generator": STATE, "critic": STATE})


@given(st.text("abc._0", min_size=1, max_size=30))
def test_core_key_only_ever_takes_a_prefix_away(key: str) -> None:
    core, prefix = core_key(f"module.{key}")
    assert prefix + core == f"module.{key}"
    assert core
