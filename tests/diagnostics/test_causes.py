"""Every cause: named in the run that has it, silent in the run that has not."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from edgeft_core.config_keys import live_keys, with_values
from edgeft_core.diagnostics.case import Case, Finding, ProbeResult, Tail
from edgeft_core.diagnostics.causes import CAUSES, EXPLAINS
from edgeft_core.diagnostics.causes.labels import expected_classes
from edgeft_core.diagnostics.diagnosis import CERTAIN_AT_ONCE, diagnose
from tests.diagnostics.cases import LOADED, NOTHING_LEARNED, ask, case, confidence, probe, trail

STAGE_2: Mapping[str, Any] = {"stage": 1, "stage_step": 0}
COLLAPSED = {**NOTHING_LEARNED, "cos_different": 0.99, "collapse_level": 0.9, "logit_std_samples": 0.05}

FAULTS: dict[str, Case] = {
    "weights.missing": case(
        "collapsed",
        signals=COLLAPSED,
        weights={**LOADED, "complete": False, "random_share": 0.5, "matched": 80},
        first={"cos_different": 0.7},
    ),
    "weights.nonfinite": case(
        "diverged",
        step=0,
        weights={**LOADED, "complete": False, "problems": [{"key": "stem.0.weight", "kind": "non_finite"}]},
    ),
    "input.range": case(
        "collapsed",
        settings={"data.normalisation": "none"},
        signals={**COLLAPSED, "input_min": 0.0, "input_max": 255.0, "input_std_images": 50.0},
        first={"cos_different": 0.97},
    ),
    "input.constant": case(
        "collapsed",
        signals={**COLLAPSED, "input_std_images": 0.0, "input_min": -1.0, "input_max": -0.99},
        first={"cos_different": 1.0},
    ),
    "embedding.common_mode": case(
        "collapsed",
        signals={**COLLAPSED, "cos_different": 0.96, "effective_rank": 6.0, "effective_rank_centred": 90.0},
        first={"cos_different": 0.96},
        probes=probe("nearest_class_mean", ncm_top1=0.2, ncm_top1_centred=0.6, chance=0.002),
    ),
    "embedding.collapsed": case(
        "collapsed",
        signals={**COLLAPSED, "val_d_prime": 0.0, "val_cos_different": 0.99},
        probes=probe("nearest_class_mean", ncm_top1=0.002, ncm_top1_centred=0.003, chance=0.002),
    ),
    "embedding.alignment_only": case(
        "collapsed",
        settings={"stages.1.contrastive_weight": 5.0},
        signals={**COLLAPSED, "contrastive_gradient_share": 0.9},
        trails=trail(0.05, 0.1, 0.4, 0.7, 0.9, 0.99),
        **STAGE_2,
    ),
    "mode.train_eval": case(
        "watch", signals={"val_cos_different": 0.9}, probes=probe("train_eval", cos_train_eval=0.5), **STAGE_2
    ),
    "head.not_training": case("stalled", signals={**NOTHING_LEARNED, "unchanged_head": 1.0}),
    "backbone.not_training": case(
        "learning", signals={"unchanged_backbone": 1.0, "lr_backbone": 3e-5}, **STAGE_2
    ),
    "head.collapsed": case(
        "collapsed",
        signals={
            **NOTHING_LEARNED,
            "head_cos_mean": 0.95,
            "logit_std_samples": 0.1,
            "logit_std_classes": 1.0,
        },
    ),
    "lr.too_high": case(
        "collapsed",
        settings={"stages.1.backbone_lr": 0.1},
        signals={**NOTHING_LEARNED, "cos_different": 0.99},
        trails=trail(0.05, 0.9, 0.99, 0.99, 0.99, 0.99) | trail(0.15, 0.02, name="update_ratio_backbone"),
        **STAGE_2,
    ),
    "lr.too_low": case(
        "stalled",
        settings={"stages.0.head_lr": 1e-6},
        signals={**NOTHING_LEARNED, "update_ratio_head": 2e-6, "lr_head": 1e-6},
    ),
    "scale.too_low": case(
        "stalled", settings={"head.scale": 8.0, "head.temperature": 4.0}, signals=NOTHING_LEARNED
    ),
    "scale.too_high": case(
        "stalled", settings={"head.scale": 256.0}, signals={**NOTHING_LEARNED, "saturated_share": 0.8}
    ),
    "margin.too_large": case(
        "watch",
        settings={"head.margin_rad": 1.4},
        signals={"loss": 20.0, "top1_margin": 0.0, "beyond_pi_share": 0.2},
    ),
    "labels.shuffled": case(
        "watch",
        signals={"val_top1": 0.002, "val_top5": 0.009, "val_d_prime": 0.01},
        probes=probe("labels", within_train=0.002, chance=0.002, train_to_validation=0.002),
    ),
    "labels.split_mismatch": case(
        "watch",
        signals={"val_top1": 0.002, "val_top5": 0.009},
        trails=trail(0.002, 0.002, name="val_top1"),
    ),
    "labels.out_of_range": case(
        "learning",
        step=0,
        error="Unexpected IndexError: index 518 is out of bounds for dimension 1 with size 518. The log tells more.",
    ),
    "sampling.single_class": case("watch", signals={**NOTHING_LEARNED, "batch_label_classes": 2.5}),
    "data.imbalance": case(
        "watch",
        label_counts=(2000,) * 2 + (2,) * 516,
        window_predicted=(900,) + (1,) * 124 + (0,) * 393,
        signals={"max_class_share": 0.88, "label_max_share": 0.4},
    ),
    "eval.margin": case(signals={"own_logit_gap": 3.2, "top1_running": 0.0, "top5_running": 0.0}),
    "numerics.nonfinite": case(
        "diverged", error="Step 7 (stage head): NaN in the loss. The update was not made, so ..."
    ),
    "early": case(
        "learning",
        step=20,
        signals={"top1_running": 0.004, "top5_running": 0.016},
        tails={"loss": Tail((18, 19, 20), (8.4, 8.2, 8.0))},
    ),
}

HEALTHY: dict[str, Case] = {
    "in full swing": case(),
    "in its second stage": case(
        settings={"stages.1.contrastive_weight": 0.3},
        signals={
            "contrastive_gradient_share": 0.05,
            "unchanged_backbone": 0.01,
            "update_ratio_backbone": 1e-4,
        },
        **STAGE_2,
    ),
    "on grey faces of one camera": case(
        signals={"cos_different": 0.6, "val_cos_different": 0.6}, first={"cos_different": 0.62}
    ),
    "slow: small learning rate": case(
        "learning",
        step=200,
        settings={"stages.0.head_lr": 1e-5},
        signals={**NOTHING_LEARNED, "top5_running": 0.02, "update_ratio_head": 3e-5, "lr_head": 1e-5},
    ),
    "slow: still warming up": case(
        "learning",
        step=20,
        settings={"stages.0.warmup_steps": 500},
        signals={**NOTHING_LEARNED, "update_ratio_head": 1e-4, "lr_head": 1e-4},
    ),
    "slow: random backbone that trains": case(
        "learning",
        step=150,
        settings={"backbone.weights": "none"},
        weights={**LOADED, "source": "none", "random_share": 1.0},
        signals={**NOTHING_LEARNED, "cos_different": 0.3},
        **STAGE_2,
    ),
    "slow: uneven within reason": case(
        "learning", step=200, label_counts=tuple(4 + number % 16 for number in range(518))
    ),
    "at the end of its schedule": case(
        step=1360, signals={"unchanged_head": 1.0, "lr_head": 1e-9, "update_ratio_head": 1e-9}
    ),
    "few people": case(
        n_classes=5,
        label_counts=(8,) * 5,
        settings={"data.batch_size": 16},
        signals={"batch_label_classes": 4.6, "top5_running": 1.0},
        split_images={"train": 40, "validation": 10, "test": 10},
    ),
}


def test_every_id_has_a_case_of_its_own() -> None:
    assert set(FAULTS) == set(CAUSES)


@pytest.mark.parametrize("name", CAUSES)
def test_the_cause_comes_first_in_the_run_that_has_it(name: str, caplog: pytest.LogCaptureFixture) -> None:
    found = diagnose(FAULTS[name]).causes
    assert [one.id for one in found][:1] == [name], [(one.id, round(one.confidence, 2)) for one in found]
    assert found[0].confidence >= 0.6
    assert not caplog.text


@pytest.mark.parametrize("name", HEALTHY)
def test_no_cause_is_likely_in_a_healthy_run(name: str) -> None:
    found = [one for one in diagnose(HEALTHY[name]).causes if one.id != "early"]
    assert not [(one.id, one.confidence) for one in found if one.confidence >= 0.5]


@pytest.mark.parametrize("name", CAUSES)
def test_a_cause_says_what_was_seen_what_it_means_and_what_to_do(name: str) -> None:
    cause = ask(name, FAULTS[name])
    assert cause.evidence
    assert all(one.text.endswith((".", ")")) or "Error" in one.text for one in cause.evidence)
    assert all(any(character.isdigit() for character in one.text) for one in cause.evidence if one.value)
    assert cause.meaning.endswith(".")
    assert cause.doubt.endswith(".")
    assert cause.fix.text.endswith(".")


@pytest.mark.parametrize("name", CAUSES)
def test_every_fix_can_be_set(name: str) -> None:
    of = FAULTS[name]
    fix = ask(name, of).fix
    with_values(of.config, {**fix.live, **fix.restart})
    assert set(fix.live) <= set(live_keys(of.config))


@pytest.mark.parametrize(
    "name", ["embedding.common_mode", "embedding.collapsed", "input.range", "weights.missing"]
)
def test_the_temperature_is_never_raised_against_alike_embeddings(name: str) -> None:
    fix = ask(name, FAULTS[name]).fix
    assert not {"head.temperature", "head.scale"} & {*fix.live, *fix.restart}


def test_a_certain_root_takes_the_confidence_of_its_consequences() -> None:
    found = {one.id: one.confidence for one in diagnose(FAULTS["input.range"]).causes}
    alone = confidence("embedding.common_mode", FAULTS["input.range"])
    assert found["embedding.common_mode"] <= 0.5 * alone < found["input.range"]


def test_explained_ids_exist() -> None:
    assert set(EXPLAINS) <= set(CAUSES)
    assert {one for many in EXPLAINS.values() for one in many} <= set(CAUSES)
    assert set(CAUSES) >= CERTAIN_AT_ONCE


def test_probes_raise_and_lower_confidence() -> None:
    signals = {**COLLAPSED, "cos_different": 0.9}
    plain = case("collapsed", signals=signals, first={"cos_different": 0.9})
    helped = probe("nearest_class_mean", ncm_top1=0.1, ncm_top1_centred=0.5, chance=0.002)
    useless = probe("nearest_class_mean", ncm_top1=0.002, ncm_top1_centred=0.002, chance=0.002)
    low, middle, high = (
        confidence("embedding.common_mode", case("collapsed", signals=signals, first=plain.first, probes=one))
        for one in (useless, {}, helped)
    )
    assert low < middle < high


def test_a_probe_that_failed_counts_as_not_run() -> None:
    failed = {
        "nearest_class_mean": ProbeResult("nearest_class_mean", {"ncm_top1_centred": 0.9}, error="too few")
    }
    assert case(probes=failed).probe("nearest_class_mean", "ncm_top1_centred") is None


def test_alike_faces_before_training_speak_against_weights_only_where_pixels_are_right() -> None:
    alike: Mapping[str, Any] = {"first": {"cos_different": 0.97}, "signals": COLLAPSED}
    right, wrong = (
        confidence("weights.missing", case("collapsed", settings={"data.normalisation": kind}, **alike))
        for kind in ("minus_one_to_one", "none")
    )
    assert right > wrong == 0.0


def test_findings_from_before_the_training_count() -> None:
    finding = Finding("data.pixel_range", "blocking", "All pixels are 0 or 1.", cause="input.range")
    assert confidence("input.range", case(findings=(finding,))) > confidence("input.range", case())


def test_a_rule_that_breaks_leaves_the_others_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: Case) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr("edgeft_core.diagnostics.diagnosis.CAUSES", {**CAUSES, "early": broken})
    assert diagnose(FAULTS["input.range"]).causes[0].id == "input.range"
    assert "early" in caplog.text


@pytest.mark.parametrize("nothing", [Case("r", case().config, 0), Case("r", case().config, 2)])
def test_a_run_of_which_nothing_is_known_has_no_likely_cause(
    nothing: Case, caplog: pytest.LogCaptureFixture
) -> None:
    assert not [one for one in diagnose(nothing).causes if one.confidence >= 0.5 and one.id != "early"]
    assert not caplog.text  # no rule failed


def test_the_diagnosis_is_plain_data() -> None:
    told = diagnose(FAULTS["input.range"]).as_dict()
    again = json.loads(json.dumps(told, allow_nan=False))
    assert list(again)[:6] == ["run", "step", "verdict", "since_step", "causes", "signals"]
    first = again["causes"][0]
    assert {"id", "confidence", "evidence", "fix"} <= set(first)
    assert {"signal", "value", "reference", "text"} == set(first["evidence"][0])
    assert {"live", "restart", "text"} <= set(first["fix"])
    assert [one["confidence"] for one in again["causes"]] == sorted(
        (one["confidence"] for one in again["causes"]), reverse=True
    )


REFUSED = (
    "weights/face.safetensors (safetensors) does not fit edgeface_xxs: {loaded} of 160 tensors (48% of its parameters) "
    "match; {counts}.\nLikely cause: the file is of another network.\nBy module:\n  stages.3: 0 of 34 tensors loaded"
)


@pytest.mark.parametrize(
    ("counts", "cause"),
    [
        ("34 missing", "weights.missing"),
        ("34 missing, 12 unexpected", "weights.missing"),
        ("32 with NaN or Inf", "weights.nonfinite"),
    ],
)
def test_a_weight_file_that_was_refused_is_the_cause(counts: str, cause: str) -> None:
    error = REFUSED.format(loaded=126, counts=counts)
    found = diagnose(Case("r", case().config, 0, error=error)).causes
    assert found[0].id == cause
    assert not [one for one in found[1:] if one.confidence >= 0.5]


def test_tensors_with_nan_do_not_count_as_missing() -> None:
    nan = {"key": "stem.0.weight", "kind": "non_finite"}
    lost = {"key": "stem.1.weight", "kind": "missing"}
    weights: Mapping[str, Any] = {**LOADED, "complete": False, "random_share": 0.5, "problems": [nan]}
    assert confidence("weights.missing", case(weights=weights)) == 0.0
    assert confidence("weights.missing", case(weights={**weights, "problems": [nan, lost]})) > 0.9


def test_a_complete_file_that_was_never_trained_is_missing_weights() -> None:
    trained, never = (
        case(probes=probe("weights_random", untouched_share=share, d_prime_loaded=1.0, d_prime_random=0.3))
        for share in (0.0, 0.88)
    )
    assert confidence("weights.missing", trained) == 0.0
    assert confidence("weights.missing", never) >= 0.9


def test_an_embedding_layer_that_is_known_to_be_random_is_not_held_against_the_file() -> None:
    known: Mapping[str, Any] = {**LOADED, "source": "timm", "random_share": 0.06}
    assert (
        confidence(
            "weights.missing", case(weights=known, probes=probe("weights_random", untouched_share=0.06))
        )
        == 0
    )


def normalisations(**spreads: tuple[float, float]) -> dict[str, ProbeResult]:
    """The probe's values from ``kind=(cosine of different people, d')``."""
    values = {f"cos_different_{kind}": cosine for kind, (cosine, _) in spreads.items()}
    values |= {f"d_prime_{kind}": d_prime for kind, (_, d_prime) in spreads.items()}
    return probe("normalisation", **values)


def test_a_range_that_only_adds_contrast_is_no_evidence() -> None:
    wider = normalisations(minus_one_to_one=(0.95, 1.0), imagenet=(0.77, 0.73))
    assert confidence("input.range", case(first={"cos_different": 0.95}, probes=wider)) == 0.0


def test_of_two_ranges_that_recover_the_one_that_the_weights_are_made_for_is_advised() -> None:
    probes = normalisations(none=(0.999, 1.24), minus_one_to_one=(0.75, 1.84), imagenet=(0.64, 1.82))
    fed: Mapping[str, Any] = {
        "settings": {"data.normalisation": "none"},
        "signals": {"input_min": 0.0, "input_max": 255.0},
        "first": {"cos_different": 0.999},
    }
    cause = ask("input.range", case(probes=probes, **fed))
    assert cause.fix.restart == {"data.normalisation": "minus_one_to_one"}
    assert cause.confidence > 0.9


def test_a_network_without_weights_expects_no_range() -> None:
    fresh: Mapping[str, Any] = {**LOADED, "source": "none", "random_share": 1.0}
    settings = {"backbone.weights": "none", "data.normalisation": "zero_to_one"}
    assert confidence("input.range", case(settings=settings, weights=fresh)) == 0.0


FAINT = {"input_min": -1.0, "input_max": -0.99, "input_std_images": 0.003, "cos_different": 0.999}
WRAPPED = {"input_min": -1.0, "input_max": 1.0, "input_std": 0.86, "cos_different": 0.9}
BLANK = {"input_min": -1.0, "input_max": -1.0, "input_std_images": 0.0, "cos_different": 1.0}


@pytest.mark.parametrize(
    ("signals", "cause"), [(FAINT, "input.range"), (WRAPPED, "input.range"), (BLANK, "input.constant")]
)
def test_faint_and_wrapped_pictures_are_out_of_range_and_blank_ones_are_blank(
    signals: Mapping[str, float], cause: str
) -> None:
    seen = case("collapsed", signals={**COLLAPSED, **signals}, first={"cos_different": 1.0})
    assert diagnose(seen).causes[0].id == cause


def test_of_two_causes_that_look_like_each_other_the_surer_one_stands() -> None:
    seen = case("collapsed", signals={**COLLAPSED, **FAINT}, first={"cos_different": 1.0})
    ranked = {one.id: one.confidence for one in diagnose(seen).causes}
    assert ranked["input.range"] == confidence("input.range", seen)
    assert ranked["input.constant"] < confidence("input.constant", seen)


def test_replays_are_compared_by_top_1_where_everybody_is_among_five() -> None:
    signals = {**COLLAPSED, "cos_different": 0.97}
    few: Mapping[str, Any] = {"n_classes": 40, "first": {"cos_different": 0.97}}
    top5 = {"train_top5_as_is": 0.91, "train_top5_centred": 0.99, "images": 280.0}
    clear, none = (
        probe("head_replays", **top5, train_top1_as_is=0.5, train_top1_centred=centred)
        for centred in (0.98, 0.5)
    )
    gained, lost = (
        confidence("embedding.common_mode", case("collapsed", signals=signals, probes=one, **few))
        for one in (clear, none)
    )
    assert gained > lost


def test_a_replay_that_learns_ten_times_as_fast_needs_no_stall() -> None:
    slow = {"top1_running": 0.01, "top5_running": 0.03, "update_ratio_head": 2e-6}
    tried = probe("head_replays", train_top5_as_is=0.03, train_top5_lr_tenfold=0.25, images=500.0)
    run: Mapping[str, Any] = {"settings": {"stages.0.head_lr": 1e-6}, "signals": slow}
    assert confidence("lr.too_low", case("learning", **run)) < 0.5
    assert confidence("lr.too_low", case("learning", probes=tried, **run)) > 0.85


@pytest.mark.parametrize(("inside", "certain"), [(0.97, False), (0.88, False), (0.1, True)])
def test_two_passes_over_one_face_tell_dropout_from_a_sound_network(inside: float, certain: bool) -> None:
    seen = case(
        signals={"val_cos_same_image": 0.98},
        trails=trail(*(inside,) * 12, name="cos_same_image"),
        **STAGE_2,
    )
    assert (confidence("mode.train_eval", seen) >= 0.85) == certain
    assert (diagnose(seen).certain is not None) == certain


def test_a_frozen_backbone_has_one_pass_only() -> None:
    seen = case(signals={"val_cos_same_image": 0.98}, trails=trail(*(0.1,) * 12, name="cos_same_image"))
    assert confidence("mode.train_eval", seen) == 0.0


def test_few_classes_in_a_batch_of_skewed_labels_are_no_sorted_list() -> None:
    skewed = (270, 270) + (1,) * 60
    assert 2.0 < expected_classes(skewed, 32) < 3.5
    assert (
        confidence("sampling.single_class", case(label_counts=skewed, signals={"batch_label_classes": 2.6}))
        == 0
    )
    assert 30.0 < expected_classes((8,) * 518, 32) <= 32.0


def test_names_are_right_if_even_random_weights_see_them() -> None:
    blind = {"val_top1": 0.002, "val_top5": 0.009, "val_d_prime": 0.01}
    seen, unseen = (
        confidence(
            "labels.shuffled", case(signals=blind, probes=probe("weights_random", d_prime_random=d_prime))
        )
        for d_prime in (1.3, 0.05)
    )
    assert seen < 0.5 < unseen


@pytest.mark.parametrize(("early", "named"), [(1.0, True), (0.1, False)])
def test_the_end_of_a_schedule_does_not_hide_what_never_moved(early: float, named: bool) -> None:
    ended = {"unchanged_backbone": 1.0, "lr_backbone": 1e-9}
    seen = case(signals=ended, trails=trail(early, 1.0, 1.0, name="unchanged_backbone"), **STAGE_2)
    assert (confidence("backbone.not_training", seen) > 0.9) == named


ONE_VECTOR = {
    **COLLAPSED,
    "cos_different": 0.99999994,
    "logit_std_samples": 6e-7,
    "effective_rank_centred": 1.0,
}


@pytest.mark.parametrize("d_prime", [math.nan, 0.0])
def test_a_backbone_that_gives_one_vector_has_collapsed_and_shares_no_direction(d_prime: float) -> None:
    signals = {**ONE_VECTOR, "effective_rank": 1.0, "val_d_prime": d_prime}
    point = case("collapsed", signals=signals, first={"cos_different": 0.99999994})
    found = diagnose(point).causes
    assert found[0].id == "embedding.collapsed"
    assert found[0].confidence >= 0.8
    assert confidence("embedding.common_mode", point) < 0.1


def test_vectors_that_differ_by_more_than_rounding_are_no_single_one() -> None:
    near = case("collapsed", signals={**ONE_VECTOR, "logit_std_samples": 1e-3})
    assert confidence("embedding.common_mode", near) > 0.5


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("scale.too_low", {"head.scale": 8.0, "head.temperature": 4.0}),
        ("scale.too_high", {"head.scale": 256.0}),
    ],
)
def test_a_scale_that_does_no_harm_is_a_note_and_no_alarm(name: str, settings: dict[str, float]) -> None:
    well = {"top1_running": 0.82, "val_top1": 0.7}
    assert 0.3 <= confidence(name, case(settings=settings, signals=well)) < 0.5
    assert "no need to act" in ask(name, case(settings=settings, signals=well)).doubt
    for harmed in ({"top1_running": 0.09}, {"top1_running": 0.82, "val_top1": 0.1}):
        assert confidence(name, case(settings=settings, signals={**well, **harmed})) >= 0.5


RANDOM = {**LOADED, "source": "none", "complete": False, "random_share": 1.0, "matched": 0}
BY_HEART = {"top1_running": 0.145, "top5_running": 0.276, "val_top1": 0.014, "val_top5": 0.044}


def test_a_random_backbone_that_only_lets_the_head_learn_by_heart_is_named() -> None:
    random = case(signals=BY_HEART, weights=RANDOM, settings={"backbone.weights": "none"})
    found = diagnose(random)
    cause = found.causes[0]
    assert cause.id == "weights.missing"
    assert 0.5 <= cause.confidence < 0.85
    assert found.certain is None  # it hovers around its border: no verdict may flicker with it
    assert "14.5% of the training images by heart, and 1.4% of new ones" in cause.evidence[0].text


def test_a_random_backbone_is_no_fault_where_it_serves_or_is_trained() -> None:
    serves = case(signals={**BY_HEART, "val_top1": 0.12}, weights=RANDOM)
    rates = {"stages.0.train_backbone": True, "stages.0.backbone_lr": 1e-4}
    trained = case(signals=BY_HEART, weights=RANDOM, settings=rates)
    assert confidence("weights.missing", serves) == confidence("weights.missing", trained) == 0.0


def moving(part: str, rate: float, ratio: float, **signals: float) -> Case:
    """Ten epochs of 100 steps in which a part moves by ``ratio`` of its length per step."""
    number = 1 if part == "backbone" else 0
    settings = {f"stages.{number}.epochs": 10, f"stages.{number}.{part}_lr": rate}
    told = {f"update_ratio_{part}": ratio, f"unchanged_{part}": 0.4, f"lr_{part}": rate} | signals
    trails = trail(ratio, ratio, name=f"update_ratio_{part}")
    more: dict[str, Any] = {"steps_per_epoch": 100, "stage": number, "stage_step": 0, "trails": trails}
    return case("learning", settings=settings, signals=told, **more)


@pytest.mark.parametrize(("part", "rate", "ratio"), [("head", 1e-11, 1e-10), ("backbone", 1e-12, 1e-11)])
def test_a_part_that_all_steps_of_the_stage_cannot_move_is_not_training(
    part: str, rate: float, ratio: float
) -> None:
    cause = CAUSES[f"{part}.not_training"](moving(part, rate, ratio))
    assert cause is not None
    assert cause.confidence >= 0.85
    assert "can move the" in cause.evidence[0].text
    assert cause.fix.live[f"stages.{int(part == 'backbone')}.{part}_lr"] > 1e-6


@pytest.mark.parametrize(("part", "rate", "ratio"), [("head", 1e-6, 1e-5), ("backbone", 3e-6, 2e-5)])
def test_a_part_that_is_only_slow_is_training(part: str, rate: float, ratio: float) -> None:
    assert confidence(f"{part}.not_training", moving(part, rate, ratio)) < 0.3


def test_a_part_at_the_beginning_of_a_warm_up_is_training() -> None:
    found = moving("head", 1e-3, 1e-7, lr_head=1e-6)
    assert confidence("head.not_training", found) < 0.3


def test_one_measurement_is_not_enough_to_call_a_part_unmoving() -> None:
    found = replace(moving("head", 1e-11, 1e-10), trails={"update_ratio_head": Tail((1,), (1e-10,))})
    assert confidence("head.not_training", found) == 0.0
