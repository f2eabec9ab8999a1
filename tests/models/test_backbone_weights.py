"""Filling a backbone: a full match, or a list of what differs and the likely cause."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from edgeft_core.config import BackboneConfig
from edgeft_core.errors import WeightsError
from edgeft_core.models import BACKBONES, LoadedBackbone, build_backbone
from edgeft_core.models.backbone import find_weights
from edgeft_core.models.low_rank import factor_linears
from tests.models.weight_files import State, prefixed, random_state, renamed, save_traced

XXS = "edgeface_xxs"


@pytest.fixture(scope="module")
def state() -> State:
    return random_state(XXS)


def saved(folder: Path, content: object, name: str = "weights.pt") -> Path:
    torch.save(content, folder / name)
    return folder / name


def build(
    path: Path, name: str = XXS, *, embedding_dim: int = 512, allow_partial: bool = False
) -> LoadedBackbone:
    return build_backbone(
        BackboneConfig(name=name, weights=str(path), embedding_dim=embedding_dim, allow_partial=allow_partial)
    )


def error_of(path: Path, name: str = XXS, embedding_dim: int = 512) -> str:
    with pytest.raises(WeightsError) as caught:
        build(path, name, embedding_dim=embedding_dim)
    return str(caught.value)


def assert_holds(loaded: LoadedBackbone, state: State) -> None:
    own = loaded.module.state_dict()
    assert own.keys() == state.keys()
    assert all(torch.equal(own[key], state[key].float()) for key in own)


# --- full matches -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BACKBONES)
def test_published_layout_of_every_variant_matches_in_full(tmp_path: Path, name: str) -> None:
    state = random_state(name)
    loaded = build(saved(tmp_path, state), name)
    assert_holds(loaded, state)
    assert loaded.report.complete
    assert loaded.report.warnings() == ()
    assert loaded.report.matched == loaded.report.tensors == len(state)
    assert loaded.report.random_share == 0.0


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod.", "backbone.", "model."])
@pytest.mark.parametrize("entry", [None, "backbone_state_dict", "state_dict", "model"])
def test_every_known_wrapping_matches_in_full(
    tmp_path: Path, state: State, prefix: str, entry: str | None
) -> None:
    content: object = prefixed(state, prefix)
    if entry:
        content = {entry: content, "epoch": 7, "optimizer": {"state": {}, "param_groups": [{"lr": 1e-4}]}}
    loaded = build(saved(tmp_path, content))
    assert_holds(loaded, state)
    assert loaded.report.wrapping == ((entry,) if entry else ()) + (f"{prefix}model.",)


def test_names_as_timm_gives_them_match_in_full(tmp_path: Path, state: State) -> None:
    assert_holds(build(saved(tmp_path, renamed(state, "model.", ""))), state)


def test_safetensors_and_torchscript_match_in_full(tmp_path: Path, state: State) -> None:
    safetensors.torch.save_file(state, tmp_path / "weights.safetensors")
    assert_holds(build(tmp_path / "weights.safetensors"), state)
    network = BACKBONES[XXS]()
    network.load_state_dict(state)
    path = save_traced(network, tmp_path / "script.pt", torch.zeros(1, 3, 112, 112))
    loaded = build(path)
    assert_holds(loaded, state)
    assert loaded.report.file_format == "TorchScript"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_float32(tmp_path: Path, state: State, dtype: torch.dtype) -> None:
    converted = {key: tensor.to(dtype) for key, tensor in state.items()}
    loaded = build(saved(tmp_path, converted))
    assert_holds(loaded, converted)
    assert {tensor.dtype for tensor in loaded.module.state_dict().values()} == {torch.float32}
    assert loaded.report.dtypes == {str(dtype).removeprefix("torch."): len(state)}


def test_loaded_network_computes_what_the_saved_one_computed(tmp_path: Path) -> None:
    network = BACKBONES["edgeface_xs_gamma_06"](64).eval()
    images = torch.randn(2, 3, 112, 112)
    loaded = build(saved(tmp_path, network.state_dict()), "edgeface_xs_gamma_06", embedding_dim=64)
    assert torch.equal(loaded.module.eval()(images), network(images))


# --- what stops a run -------------------------------------------------------------------------------------

WRONG = [(file, network) for file in BACKBONES for network in BACKBONES if file != network]


@pytest.mark.parametrize(("file", "network"), WRONG)
def test_the_variant_that_fits_is_named(tmp_path: Path, file: str, network: str) -> None:
    half = {key: tensor.half() for key, tensor in random_state(file).items()}
    text = error_of(saved(tmp_path, half), network)
    assert "Likely cause: wrong variant" in text
    assert f"every tensor fits {file}. Set backbone.name={file}." in text


def test_a_low_rank_file_in_a_plain_network_is_told_so_by_module(tmp_path: Path) -> None:
    text = error_of(saved(tmp_path, random_state("edgeface_xs_gamma_06")), "edgenext_x_small")
    assert "the file is low-rank (linear1, linear2) and edgenext_x_small is plain" in text
    assert "Set backbone.name=edgeface_xs_gamma_06." in text
    assert "stages.0.blocks.0: 5 of 9 tensors loaded; 4 missing, 6 unexpected" in text


def test_a_low_rank_file_that_no_variant_fits_gets_advice_and_not_half_a_sentence(
    tmp_path: Path,
) -> None:
    network = build_backbone(BackboneConfig(name=XXS, weights="none")).module
    factor_linears(network, 0.6)
    state = network.state_dict()
    del state["model.head.norm.weight"]  # else its factors could be multiplied
    text = error_of(saved(tmp_path, state))
    assert f"the file is low-rank (linear1, linear2) and {XXS} is plain. " in text
    assert "plain. The nearest EdgeFace is " in text or "plain. Use the file that " in text


def test_factors_that_only_need_to_be_multiplied_are_told_so_and_compute_the_same(tmp_path: Path) -> None:
    network = build_backbone(BackboneConfig(name=XXS, weights="none")).module
    factor_linears(network, 0.6)
    path = saved(tmp_path, prefixed(network.state_dict(), "module."))
    assert "is the layer that computes the same. Set backbone.multiply_low_rank=true." in error_of(path)
    loaded = build_backbone(BackboneConfig(name=XXS, weights=str(path), multiply_low_rank=True))
    assert loaded.report.complete
    pairs = sum(key.endswith("linear1.weight") for key in network.state_dict())
    assert loaded.report.multiplied == pairs > 20
    assert f", {pairs} as products of low-rank factors." in loaded.report.summary()
    images = torch.randn(2, 3, 112, 112)
    torch.testing.assert_close(loaded.module.eval()(images), network.eval()(images), rtol=1e-4, atol=1e-5)


def test_a_plain_file_is_loaded_as_it_is_where_factors_would_be_multiplied(
    tmp_path: Path, state: State
) -> None:
    config = BackboneConfig(name=XXS, weights=str(saved(tmp_path, state)), multiply_low_rank=True)
    report = build_backbone(config).report
    assert (report.complete, report.multiplied) == (True, 0)


def test_a_low_rank_network_keeps_its_factors(tmp_path: Path) -> None:
    name = "edgeface_xs_gamma_06"
    path = saved(tmp_path, random_state(name))
    report = build_backbone(BackboneConfig(name=name, weights=str(path), multiply_low_rank=True)).report
    assert (report.complete, report.multiplied) == (True, 0)


def test_a_plain_file_in_a_low_rank_network_is_told_so(tmp_path: Path) -> None:
    plain = build_backbone(BackboneConfig(name="edgenext_small", weights="none")).module.state_dict()
    text = error_of(saved(tmp_path, plain), "edgeface_s_gamma_05")
    assert "the file is plain and edgeface_s_gamma_05 is low-rank" in text
    assert "Set backbone.name=edgenext_small." in text


def test_low_rank_layers_of_another_ratio_are_recognised(tmp_path: Path) -> None:
    state = random_state("edgeface_s_gamma_05")
    for key in state:
        if key.endswith("linear1.weight"):
            state[key] = state[key][::2].clone()
        elif key.endswith("linear2.weight"):
            state[key] = state[key][:, ::2].clone()
    text = error_of(saved(tmp_path, state), "edgeface_s_gamma_05")
    assert "another rank" in text
    assert "another ratio" in text


def test_another_embedding_size_is_named(tmp_path: Path) -> None:
    text = error_of(saved(tmp_path, random_state(XXS, 256)))
    assert "Set backbone.embedding_dim=256." in text
    assert "head.fc: 0 of 2 tensors loaded; 2 of another shape" in text


def test_an_imagenet_classifier_is_recognised(tmp_path: Path) -> None:
    assert "1000 ImageNet classes" in error_of(saved(tmp_path, random_state(XXS, 1000)))


def test_an_unknown_prefix_is_quoted(tmp_path: Path, state: State) -> None:
    text = error_of(saved(tmp_path, prefixed(state, "student.encoder_q.")))
    assert "every name in the file starts with 'student.encoder_q.model.'" in text


def test_a_margin_head_in_the_file_is_named(tmp_path: Path, state: State) -> None:
    text = error_of(saved(tmp_path, {**prefixed(state, "backbone."), "head.weight": torch.zeros(518, 512)}))
    assert "a margin head too (head.weight, 518 x 512)" in text
    assert "1 unexpected" in text


def test_a_margin_head_may_be_left_aside(tmp_path: Path, state: State) -> None:
    path = saved(tmp_path, {**prefixed(state, "backbone."), "head.weight": torch.zeros(518, 512)})
    loaded = build(path, allow_partial=True)
    assert_holds(loaded, state)
    assert "the network has all it needs" in loaded.report.warnings()[0]


def test_a_part_of_a_network_is_called_incomplete(tmp_path: Path, state: State) -> None:
    part = {key: tensor for key, tensor in state.items() if ".stages.3." not in key}
    text = error_of(saved(tmp_path, part))
    assert "holds only a part of the network; stages.3" in text


def test_weights_with_nan_or_inf_stop_the_run(tmp_path: Path, state: State) -> None:
    bad = {key: tensor.clone() for key, tensor in state.items()}
    bad["model.stem.0.weight"][0, 0, 0, 0] = float("nan")
    bad["model.head.fc.bias"][3] = float("inf")
    text = error_of(saved(tmp_path, bad))
    assert "2 with NaN or Inf" in text
    assert "had diverged" in text
    assert "head.fc: 1 of 2 tensors loaded; 1 with NaN or Inf" in text


def test_a_number_too_large_for_float32_counts_as_not_finite(tmp_path: Path, state: State) -> None:
    wide = {key: tensor.double() for key, tensor in state.items()}
    wide["model.head.fc.bias"][0] = 1e300
    assert "1 with NaN or Inf" in error_of(saved(tmp_path, wide))


def test_integers_in_place_of_weights_stop_the_run(tmp_path: Path, state: State) -> None:
    assert "1 of another type" in error_of(
        saved(tmp_path, {**state, "model.head.fc.bias": torch.zeros(512, dtype=torch.int64)})
    )


def test_another_kind_of_network_is_told_by_its_names(tmp_path: Path) -> None:
    other = {"layer1.0.conv1.weight": torch.zeros(8, 8, 3, 3), "fc.weight": torch.zeros(512, 8)}
    text = error_of(saved(tmp_path, other))
    assert "another kind of network: its names are like layer1.0.conv1.weight" in text


def test_the_error_carries_the_whole_account(tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        build(saved(tmp_path, random_state(XXS, 256)))
    report = caught.value.report
    assert report["matched"] == 158
    assert [one["key"] for one in report["problems"]] == ["model.head.fc.weight", "model.head.fc.bias"]
    assert report["problems"][0] | {"key": ""} == {
        "key": "",
        "kind": "wrong_shape",
        "module": "head.fc",
        "expected": "512 x 168",
        "found": "256 x 168",
    }


# --- going on all the same --------------------------------------------------------------------------------


def test_partly_loaded_weights_load_what_fits_and_keep_the_warning(tmp_path: Path) -> None:
    state = random_state(XXS, 256)
    loaded = build(saved(tmp_path, state), allow_partial=True)
    own = loaded.module.state_dict()
    assert torch.equal(own["model.stem.0.weight"], state["model.stem.0.weight"])
    assert own["model.head.fc.weight"].shape == (512, 168)
    assert not loaded.report.complete
    assert loaded.report.random_share == pytest.approx((512 * 168 + 512) / 1_244_744)
    (warning,) = loaded.report.warnings()
    assert "158 of 160 tensors" in warning
    assert "allow_partial" in warning


def test_tensors_with_nan_are_never_loaded(tmp_path: Path, state: State) -> None:
    bad = {**state, "model.stem.0.weight": state["model.stem.0.weight"] * float("nan")}
    loaded = build(saved(tmp_path, bad), allow_partial=True)
    assert all(bool(torch.isfinite(tensor).all()) for tensor in loaded.module.state_dict().values())
    assert loaded.report.count("non_finite") == 1


def test_the_account_adds_up(tmp_path: Path) -> None:
    report = build(saved(tmp_path, random_state("edgeface_xs_gamma_06")), allow_partial=True).report
    assert report.tensors == report.matched + sum(
        report.count(kind) for kind in ("missing", "wrong_shape", "wrong_dtype", "non_finite")
    )
    assert sum(sum(module.problems.values()) for module in report.modules) == len(report.problems)
    assert report.parameters == 1_244_744


def test_the_report_is_plain_json(tmp_path: Path) -> None:
    path = saved(tmp_path, {"state_dict": random_state("edgeface_xs_gamma_06")})
    report = build(path, allow_partial=True).report.as_dict()
    again = json.loads(json.dumps(report))
    assert again["complete"] is False
    assert again["size_bytes"] == path.stat().st_size
    assert len(again["sha256"]) == 64
    assert "wrong variant" in again["likely_cause"]
    assert again["modules"][0]["module"] == "stem.0"


# --- sources that are no file of the user's ---------------------------------------------------------------


def test_no_weights_are_accounted_for_as_random() -> None:
    report = build_backbone(BackboneConfig(name=XXS, weights="none")).report
    assert report.complete
    assert report.matched == 0
    assert report.random_share == 1.0
    assert "random weights" in report.summary()


@pytest.mark.parametrize(("name", "dim"), [("edgeface_base", 512), (XXS, 128)])
def test_demo_weights_fit_one_network_only(name: str, dim: int) -> None:
    with pytest.raises(WeightsError, match=r"fit edgeface_xxs with embeddings of 512 only"):
        build_backbone(BackboneConfig(name=name, weights="demo", embedding_dim=dim))


def test_missing_demo_weights_are_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("edgeft_core.models.backbone.DEMO_WEIGHTS", tmp_path / "none.safetensors")
    with pytest.raises(WeightsError, match=r"none\.safetensors are not there"):
        build_backbone(BackboneConfig())


def test_a_file_is_found_by_name_in_the_checkpoints_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("edgeft_core.models.backbone.CHECKPOINTS", tmp_path / "checkpoints")
    (tmp_path / "checkpoints").mkdir()
    path = saved(tmp_path / "checkpoints", {"a": torch.zeros(1)}, "mine.pt")
    assert find_weights("mine.pt") == find_weights("checkpoints/mine.pt") == path.resolve()
    with pytest.raises(WeightsError, match=r"mine2\.pt is not there .*Did you mean mine\.pt\?"):
        find_weights("mine2.pt")
    with pytest.raises(WeightsError, match="is a folder"):
        find_weights(str(tmp_path))


@pytest.mark.parametrize(("typed", "meant"), [("non", "none"), ("dem", "demo")])
def test_a_misspelt_source_is_answered_with_the_nearest(typed: str, meant: str) -> None:
    with pytest.raises(WeightsError, match=rf"Did you mean {meant}\?"):
        build_backbone(BackboneConfig(weights=typed))
