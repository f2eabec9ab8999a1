"""Weights that are not all there and pixels in the wrong range are named before training, with real networks."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.models import BACKBONES
from edgeft_core.preflight.checking import preflight
from edgeft_core.preflight.report import PreflightReport
from edgeft_core.presets import PRESETS
from edgeft_core.settings import DEMO_WEIGHTS
from tests.data.test_att_faces import FACES
from tests.models.weight_files import prefixed, random_state
from tests.preflight.folders import found

CACHE = "drawn"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn faces are shared by the tests of this module."""
    return tmp_path_factory.mktemp(CACHE)


def small(preset: str = "recommended", **values: object) -> RunConfig:
    named = {"data.identities": 60, "data.images_per_identity": 6, "data.workers": 0}
    return with_values(
        PRESETS[preset](), {**named, **{key.replace("__", "."): v for key, v in values.items()}}
    )


@cache
def _report(config: RunConfig, cache_folder: Path) -> PreflightReport:
    return preflight(config, cache_folder)


def test_the_default_settings_have_nothing_to_mend(drawn: Path) -> None:
    report = _report(small(), drawn)
    assert report.worst == "ok", report.findings
    assert report.complete
    assert not report.unchecked
    spread = next(one for one in report.passed if one.check == "embeddings.spread")
    assert spread.values["cos_different"] < 0.3
    assert spread.values["random_head_share"] < 0.2
    assert spread.values["nearest_mean"] > 0.5
    assert {"labels.same_person", "labels.split_agreement", "weights.accounting", "settings.memory"} <= {
        one.check for one in report.passed
    }


def test_the_collapse_demo_is_called_input_range(drawn: Path) -> None:
    config = small("collapse-demo")
    report = _report(config, drawn)
    finding = found(report, "embeddings.input_range")
    assert (finding.level, finding.cause) == ("blocking", "input.range")
    assert finding.fix == {"data.normalisation": "minus_one_to_one"}
    assert finding.values["cos_different"] > 2 * finding.values["minus_one_to_one.cos_different"] + 0.2
    mended = _report(with_values(config, finding.fix), drawn)
    assert mended.worst == "ok", mended.findings


def test_pixels_that_were_not_shifted_are_called_input_range(drawn: Path) -> None:
    finding = found(_report(small(data__normalisation="zero_to_one"), drawn), "embeddings.input_range")
    assert finding.cause == "input.range"
    assert finding.fix == {"data.normalisation": "minus_one_to_one"}


def low_rank_file(folder: Path) -> Path:
    """A low-rank checkpoint as it is published, for the plain network of the same size."""
    torch.manual_seed(0)
    state = BACKBONES["edgeface_xs_gamma_06"](512).state_dict()
    path = folder / "edgeface_xs_gamma_06.pt"
    torch.save({"state_dict": prefixed(dict(state), "module.")}, path)
    return path


@pytest.mark.parametrize("allowed", [False, True])
def test_a_low_rank_file_in_a_plain_model_is_called_weights_missing(
    drawn: Path, tmp_path: Path, allowed: bool
) -> None:
    config = small(
        backbone__name="edgenext_x_small",
        backbone__weights=str(low_rank_file(tmp_path)),
        backbone__allow_partial=allowed,
    )
    finding = found(preflight(config, drawn), "weights.accounting")
    assert (finding.level, finding.cause) == ("blocking", "weights.missing")
    assert 0.3 < finding.values["random_share"] < 1.0
    assert finding.fix == {"backbone.name": "edgeface_xs_gamma_06"}
    assert any("missing" in one for one in finding.examples)
    assert ("would stop at once" in finding.text) is not allowed


def test_nan_in_the_file_is_called_weights_nonfinite(drawn: Path, tmp_path: Path) -> None:
    state = random_state()
    name = next(key for key in state if state[key].dim() > 1)
    state[name].view(-1)[3] = torch.nan
    save_file(state, tmp_path / "broken.safetensors")
    report = preflight(small(backbone__weights=str(tmp_path / "broken.safetensors")), drawn)
    finding = found(report, "weights.nonfinite")
    assert (finding.level, finding.cause, finding.values["non_finite"]) == (
        "blocking",
        "weights.nonfinite",
        1,
    )


def test_a_weight_file_that_is_not_there_blocks_with_the_reason(drawn: Path, tmp_path: Path) -> None:
    report = preflight(small(backbone__weights=str(tmp_path / "gone.pt")), drawn)
    finding = found(report, "weights.source")
    assert finding.level == "blocking"
    assert "gone.pt is not there" in finding.text


def test_random_weights_that_no_stage_trains_are_warned_about(drawn: Path) -> None:
    config = small(backbone__weights="none")
    assert not [one for one in preflight(config, drawn).findings if one.check == "weights.random"]
    head_only = config.model_copy(update={"stages": config.stages[:1]})
    assert found(preflight(head_only, drawn), "weights.random").level == "warning"


def test_a_batch_that_cannot_fit_blocks(drawn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeft_core.preflight.network_checks.memory._free", lambda _: 60.0 * 2**20)
    finding = found(preflight(small(), drawn), "settings.memory")
    assert finding.level == "blocking"
    assert 2 <= finding.fix["data.batch_size"] < 32


def test_a_device_that_is_not_there_blocks(drawn: Path) -> None:
    finding = found(preflight(small(device="cuda:17"), drawn), "settings.device")
    assert finding.level == "blocking"
    assert finding.fix == {"device": "auto"}


def weights_with(change: Callable[[dict[str, torch.Tensor]], None], path: Path) -> Path:
    """The demo weights with a few numbers changed."""
    state = {name: tensor.float() for name, tensor in load_file(DEMO_WEIGHTS).items()}
    change(state)
    save_file(state, path)
    return path


def test_a_direction_that_all_faces_share_is_told_apart_from_collapse(drawn: Path, tmp_path: Path) -> None:
    def shifted(state: dict[str, torch.Tensor]) -> None:
        bias = next(name for name in state if name.endswith("head.fc.bias"))
        state[bias] += 30.0

    weights = weights_with(shifted, tmp_path / "shifted.safetensors")
    fed = found(preflight(small(backbone__weights=str(weights)), drawn), "embeddings.spread")
    assert fed.values["cos_different"] > 0.9
    assert fed.values["nearest_mean_centred"] > 0.5
    assert fed.cause in {"embedding.common_mode", ""}
    assert "centre" in fed.text


def test_weights_that_overflow_are_called_nonfinite(drawn: Path, tmp_path: Path) -> None:
    def huge(state: dict[str, torch.Tensor]) -> None:
        weight = next(name for name in state if name.endswith("head.fc.weight"))
        state[weight] *= 1e38

    weights = weights_with(huge, tmp_path / "huge.safetensors")
    finding = found(preflight(small(backbone__weights=str(weights)), drawn), "embeddings.nonfinite")
    assert (finding.level, finding.cause) == ("blocking", "numerics.nonfinite")


@pytest.mark.slow
@pytest.mark.skipif(not FACES.is_dir(), reason=f"the AT&T faces are not at {FACES} (EDGEFT_ATT_FACES)")
@pytest.mark.parametrize("weights", ["demo", "none"])
def test_real_faces_have_nothing_to_mend(weights: str, tmp_path: Path) -> None:
    values = {"data.source": str(FACES), "backbone.weights": weights, "data.workers": 0}
    report = preflight(with_values(PRESETS["recommended"](), values), tmp_path)
    assert report.worst in {"ok", "info"}, report.findings
    assert not report.unchecked


@pytest.mark.slow
@pytest.mark.skipif(not FACES.is_dir(), reason=f"the AT&T faces are not at {FACES} (EDGEFT_ATT_FACES)")
def test_real_faces_under_names_drawn_by_lot_are_called_labels_shuffled(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    images = sorted(FACES.rglob("*.pgm"))
    order = torch.randperm(len(images), generator=generator).tolist()
    for place, image in enumerate(order):
        target = tmp_path / "people" / f"p{place % 40:02d}" / f"{place}.pgm"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(images[image].read_bytes())
    values = {"data.source": str(tmp_path / "people"), "backbone.weights": "none", "data.workers": 0}
    report = preflight(with_values(PRESETS["recommended"](), values), tmp_path / "cache")
    finding = found(report, "labels.same_person")
    assert (finding.level, finding.cause) == ("warning", "labels.shuffled")


@pytest.mark.slow
def test_a_validation_part_that_was_renumbered_is_called_a_split_mismatch(tmp_path: Path) -> None:
    from tests.preflight.folders import write_faces  # noqa: PLC0415

    people = write_faces(tmp_path / "all", tmp_path / "cache", identities=30, images=8)
    names = sorted(path.name for path in people.iterdir())
    for number, name in enumerate(names):
        renamed = names[(number + 1) % len(names)]
        for place, image in enumerate(sorted((people / name).iterdir())):
            part, label = ("train", name) if place < 5 else ("val", renamed)
            target = tmp_path / "split" / part / label / image.name
            target.parent.mkdir(parents=True, exist_ok=True)
            image.rename(target)
    config = with_values(
        PRESETS["recommended"](), {"data.source": str(tmp_path / "split"), "data.workers": 0}
    )
    finding = found(preflight(config, tmp_path / "cache"), "labels.split_agreement")
    assert (finding.level, finding.cause) == ("warning", "labels.split_mismatch")
    assert finding.values["training_to_validation"] < 0.1 < 0.5 < finding.values["within_training"]
