"""Each probe tells a healthy run from the fault that it is there for, on real runs of a few seconds."""

from __future__ import annotations

import hashlib
import math
import re
from pathlib import Path

import pytest
import torch
from torch import nn

from edgeft_core.diagnostics.case import ProbeResult
from edgeft_core.diagnostics.probes import PROBES, ProbeContext
from edgeft_core.diagnostics.probes.context import LabelledEmbeddings
from edgeft_core.diagnostics.probes.labels import _renaming
from edgeft_core.errors import DataError, WeightsError
from tests.diagnostics.runs_for_probes import opened, silent, small, trained


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """A healthy run of both stages."""
    return trained(small(), tmp_path_factory.mktemp("runs") / "healthy", cache)


@pytest.fixture(scope="module")
def context(folder: Path, cache: Path) -> ProbeContext:
    return opened(small(), folder, cache)


def run(name: str, context: ProbeContext) -> ProbeResult:
    return PROBES[name](context, silent)


def digests(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("name", list(PROBES))
def test_every_probe_says_something_about_a_healthy_run_and_leaves_it_as_it_was(
    name: str, context: ProbeContext, folder: Path
) -> None:
    before = digests(folder)
    weights = {key: tensor.clone() for key, tensor in context.network.state_dict().items()}
    result = run(name, context)
    assert result.name == name
    assert result.text.endswith(".")
    assert result.values
    assert all(math.isfinite(value) for value in result.values.values())
    assert digests(folder) == before
    assert all(torch.equal(tensor, weights[key]) for key, tensor in context.network.state_dict().items())
    assert not context.network.training


def values_that_causes_read() -> dict[str, set[str]]:
    """Probe -> values, from the table in ``docs/diagnosis.md``; a ``<kind>`` stands for each of those listed."""
    guide = (Path(__file__).parents[2] / "docs" / "diagnosis.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", guide.split("## Probes")[1], flags=re.MULTILINE)
    listed: dict[str, set[str]] = {}
    for probe, text in rows:
        names = re.findall(r"`([\w<>]+)`", text.split("; in words")[0])
        patterns = [name for name in names if "<" in name]
        plain = [name for name in names if "<" not in name]
        filled = {re.sub(r"<\w+>", name, pattern) for pattern in patterns for name in plain}
        listed[probe] = filled or set(plain)
    return listed


def test_probes_give_every_value_that_causes_read(context: ProbeContext) -> None:
    listed = values_that_causes_read()
    assert set(listed) == set(PROBES)
    missing = {name: listed[name] - set(run(name, context).values) for name in PROBES}
    assert not any(missing.values()), missing


def test_a_healthy_run_gives_no_probe_a_reason_to_complain(context: ProbeContext) -> None:
    means = run("nearest_class_mean", context).values
    assert means["ncm_top1"] > 10 * means["chance"]
    assert run("normalisation", context).values["gain"] == pytest.approx(1.0)
    weights = run("weights_random", context).values
    assert weights["ncm_top1_loaded"] > weights["ncm_top1_random"] + 0.3
    assert run("train_eval", context).values["cos_train_eval"] > 0.999
    assert run("memorise", context).values["memorised"] == 1.0
    assert run("nonfinite", context).values["nonfinite"] == 0
    labels = run("labels", context).values
    assert labels["batch_identities"] == pytest.approx(labels["batch_identities_expected"], rel=0.1)
    assert labels["constant_share"] == 0
    assert labels["validation_known_share"] == 1
    assert labels.get("renamed_share", 0.0) < 0.1


def test_without_a_checkpoint_the_first_weights_are_looked_at(cache: Path, tmp_path: Path) -> None:
    context = opened(small(), tmp_path / "new", cache)
    assert context.step == 0
    assert run("nearest_class_mean", context).values["ncm_top1"] > 0.2
    with pytest.raises(DataError, match="no checkpoint after step 0"):
        run("parameters", context)


def test_embeddings_that_the_run_left_on_disk_are_used(cache: Path, tmp_path: Path) -> None:
    config = small()
    head_only = config.model_copy(update={"stages": config.stages[:1]})
    context = opened(head_only, trained(head_only, tmp_path / "run", cache), cache)
    learned = context.learned
    assert learned.cached
    anew = context._embedded(learned.rows_N[:20], "again")
    torch.testing.assert_close(learned.emb_ND[:20], anew.emb_ND, rtol=1e-3, atol=1e-3)


def test_pixels_in_the_wrong_range_recover_under_the_right_normalisation(cache: Path, tmp_path: Path) -> None:
    context = opened(small(data__normalisation="none"), tmp_path / "run", cache)
    result = run("normalisation", context)
    assert result.words == {"used": "none", "best": "minus_one_to_one"}
    assert result.values["gain"] > 1.8
    assert result.values["cos_different_none"] > result.values["cos_different_minus_one_to_one"] + 0.3


def test_a_head_that_was_left_out_is_unchanged_and_a_backbone_that_moved_is_not(
    cache: Path, tmp_path: Path
) -> None:
    config = small(
        stages__0__head_lr=0, stages__1__head_lr=0, stages__0__weight_decay=0, stages__1__weight_decay=0
    )
    context = opened(config, trained(config, tmp_path / "run", cache), cache)
    values = run("parameters", context).values
    assert values["unchanged_head"] == 1.0
    assert values["unchanged_backbone"] < 0.5
    assert values["backbone_change"] > 0


def test_a_frozen_backbone_is_not_compared(cache: Path, tmp_path: Path) -> None:
    config = small()
    head_only = config.model_copy(update={"stages": config.stages[:1]})
    values = run("parameters", opened(head_only, trained(head_only, tmp_path / "run", cache), cache)).values
    assert "unchanged_backbone" not in values
    assert values["unchanged_head"] < 0.01
    assert values["head_change"] > 0.1


def test_a_nan_is_found_and_named(cache: Path, tmp_path: Path) -> None:
    context = opened(small(), tmp_path / "run", cache)
    name, parameter = next(iter(context.network.named_parameters()))
    with torch.no_grad():
        parameter.view(-1)[0] = torch.nan
    result = run("nonfinite", context)
    assert result.values["nonfinite"] == 1
    assert result.values["embeddings_nonfinite"] > 0
    assert result.words["first"] == f"backbone.{name}"


def test_dropout_makes_the_two_passes_differ(cache: Path, tmp_path: Path) -> None:
    context = opened(small(), tmp_path / "run", cache)
    context.session.embedder.backbone = nn.Sequential(context.network, nn.Dropout(0.5)).eval()
    values = run("train_eval", context).values
    assert values["cos_train_eval"] < 0.9


def test_batch_statistics_are_told_apart_from_what_runs_do(cache: Path, tmp_path: Path) -> None:
    context = opened(small(), tmp_path / "run", cache)
    context.session.embedder.backbone = nn.Sequential(context.network, nn.BatchNorm1d(512)).eval()
    values = run("train_eval", context).values
    assert values["cos_train_eval"] > 0.999, "runs keep BatchNorm frozen"
    assert values["cos_batch_statistics"] < 0.99


def with_embeddings(context: ProbeContext, change: object) -> ProbeContext:
    """The same run as if its backbone gave other embeddings."""
    for name in ("learned", "scored"):
        known: LabelledEmbeddings = getattr(context, name)
        emb = change(known.emb_ND)  # type: ignore[operator]
        context.__dict__[name] = LabelledEmbeddings(known.rows_N, emb, known.labels_N)
    return context


@pytest.fixture
def own_context(cache: Path, tmp_path: Path) -> ProbeContext:
    """One to spoil."""
    return opened(small(), tmp_path / "run", cache)


def test_a_point_with_noise_has_no_identity_and_cannot_be_memorised(own_context: ProbeContext) -> None:
    generator = torch.Generator().manual_seed(0)

    def collapsed(emb: torch.Tensor) -> torch.Tensor:
        return torch.ones_like(emb) + 1e-6 * torch.randn(emb.shape, generator=generator)

    context = with_embeddings(own_context, collapsed)
    means = run("nearest_class_mean", context).values
    assert means["cos_different"] > 0.999
    assert means["ncm_top1_centred"] < 4 * means["chance"]
    assert run("memorise", context).values["memorised"] < 0.3


def test_a_common_direction_is_what_centring_removes(own_context: ProbeContext) -> None:
    def crowded(emb: torch.Tensor) -> torch.Tensor:
        unit = torch.nn.functional.normalize(emb, dim=1)
        return unit + 6.0 * torch.nn.functional.normalize(torch.ones_like(emb[:1]), dim=1)

    context = with_embeddings(own_context, crowded)
    means = run("nearest_class_mean", context).values
    assert means["cos_different"] > 0.9
    assert means["ncm_top1_centred"] > 0.5
    replays = run("head_replays", context).values
    assert replays["top5_centred"] >= replays["top5_as_is"]
    assert replays["loss_last_centred"] < 0.7 * replays["loss_last_as_is"]


def test_replays_answer_alike_when_asked_again(
    own_context: ProbeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeft_core.diagnostics.probes.head_replays.STEPS", 20)
    assert run("head_replays", own_context).values == run("head_replays", own_context).values


def test_replays_show_a_rate_that_is_far_too_low_and_one_far_too_high(cache: Path, tmp_path: Path) -> None:
    slow = run("head_replays", opened(small(stages__0__head_lr=3e-6), tmp_path / "slow", cache)).values
    assert slow["top5_lr_tenfold"] >= slow["top5_as_is"]
    assert slow["loss_last_lr_tenfold"] < slow["loss_last_as_is"]
    assert slow["loss_first_as_is"] - slow["loss_last_as_is"] < 1.0
    fast = run("head_replays", opened(small(stages__0__head_lr=1.0), tmp_path / "fast", cache)).values
    assert fast["loss_last_lr_tenth"] < fast["loss_last_as_is"]


def test_replays_show_a_scale_that_cannot_learn(cache: Path, tmp_path: Path) -> None:
    weak = small(head__scale=2, head__margin_rad=0.0)
    values = run("head_replays", opened(weak, tmp_path / "run", cache)).values
    assert values["train_top5_recommended"] >= values["train_top5_as_is"]
    assert values["steps"] > 20


def test_answers_under_other_names_are_a_permutation() -> None:
    true = torch.arange(10).repeat_interleave(2)
    assert _renaming((true + 3) % 10, true) == {"stable_share": 1.0, "renamed_share": 1.0}
    assert _renaming(true, true) == {"stable_share": 1.0, "renamed_share": 0.0}


def test_one_class_for_all_and_answers_drawn_by_lot_are_no_permutation() -> None:
    true = torch.arange(200).repeat_interleave(2)
    assert _renaming(torch.full_like(true, 7), true)["renamed_share"] == 0.0
    lot = torch.randint(0, 200, true.shape, generator=torch.Generator().manual_seed(0))
    assert _renaming(lot, true)["renamed_share"] < 0.05
    assert _renaming(true[::2], true[::2]) == {}, "one image each cannot be stable"


def test_nobody_with_two_images_is_a_sentence(cache: Path, tmp_path: Path) -> None:
    config = small(data__images_per_identity=3)
    context = opened(config, tmp_path / "run", cache)
    with pytest.raises(DataError, match="Fewer than two identities have two training images"):
        run("normalisation", context)


def test_a_broken_checkpoint_is_a_sentence(cache: Path, tmp_path: Path) -> None:
    broken = tmp_path / "run" / "checkpoints" / "last.pt"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"half a file")
    with pytest.raises(WeightsError, match="cannot be read"):
        opened(small(), tmp_path / "run", cache)
