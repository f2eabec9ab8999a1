"""Verdicts: neither early, nor twitchy, nor blind."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeft_core.diagnostics.evidence import is_concentrated, signs_of
from edgeft_core.diagnostics.status import BAD, STATUSES, Verdict
from edgeft_core.diagnostics.verdict import VerdictTracker
from edgeft_core.diagnostics.vitals import Reading, Shape, Vitals
from tests.diagnostics.batches import COLLAPSED, HEALTHY, NOTHING, SHAPE, seen, signals, tracker


def reading(changed: Mapping[str, float] = NOTHING) -> Reading:
    """A reading of a run that knows nothing yet, with some signals changed."""
    values = signals(200, changed)
    vitals = Vitals(SHAPE)
    vitals.add(values)
    return vitals.reading(200, values)


def test_a_run_begins_as_learning() -> None:
    assert tracker().verdict == Verdict("learning", 0)


def test_collapse_in_the_first_steps_is_only_watched() -> None:
    verdicts = seen(tracker(), 1, 100, COLLAPSED)
    assert {one.status for one in verdicts} == {"learning", "watch"}


def test_collapse_that_lasts_beyond_the_warmup_is_called_within_300_steps() -> None:
    verdicts = seen(tracker(), 1, 300, COLLAPSED)
    assert verdicts[-1].status == "collapsed"
    assert 136 <= verdicts[-1].since_step <= 200
    text = " ".join(verdicts[-1].reasons)
    assert "2 of 518 classes" in text
    assert "mean cosine of 0.99" in text
    assert "1.0%" in text  # chance of Top-5 stands beside it


def test_one_odd_window_does_not_make_a_collapse() -> None:
    made = tracker()
    seen(made, 1, 400, {"gap": 1.0, "top1_running": 0.02, "top5_running": 0.06})
    verdicts = seen(made, 401, 410, COLLAPSED) + seen(made, 411, 440, {"top5_running": 0.06})
    assert not {one.status for one in verdicts} & BAD


def test_a_collapse_after_good_progress_is_called_too() -> None:
    made = tracker()
    healthy = seen(made, 1, 400, HEALTHY)
    assert healthy[-1].status == "healthy"
    verdicts = seen(made, 401, 480, COLLAPSED)
    assert verdicts[-1].status == "collapsed"
    assert verdicts[-1].since_step > 400


def test_a_verdict_is_not_taken_back_after_one_good_window() -> None:
    made = tracker()
    seen(made, 1, 300, COLLAPSED)
    at_once = seen(made, 301, 308, HEALTHY)
    assert at_once[-1].status == "collapsed"
    later = seen(made, 309, 420, HEALTHY)
    assert later[-1].status == "healthy"


def test_half_of_the_classes_missing_is_no_collapse_while_embeddings_are_spread() -> None:
    verdicts = seen(tracker(stage_steps=10**6), 1, 150, {"effective_classes": 150.0})
    assert not {one.status for one in verdicts} & BAD


def test_predictions_on_a_frequent_label_are_no_collapse() -> None:
    follows = {"max_class_share": 0.4, "label_max_share": 0.38, "top1_running": 0.4, "top5_running": 0.6}
    verdicts = seen(tracker(), 1, 300, follows | {"gap": 1.0})
    assert not {one.status for one in verdicts} & BAD


def test_always_naming_the_most_frequent_person_is_no_success() -> None:
    frequent = {"max_class_share": 0.62, "label_max_share": 0.6, "top1_running": 0.6, "top5_running": 0.7}
    assert "healthy" not in {one.status for one in seen(tracker(), 1, 300, frequent)}
    better = seen(tracker(), 1, 300, frequent | {"top1_running": 0.8, "gap": 2.0})
    assert better[-1].status == "healthy"


def test_a_head_that_never_learns_stalls() -> None:
    verdicts = seen(tracker(), 1, 400)
    assert verdicts[-1].status == "stalled"
    assert verdicts[-1].since_step >= 150
    assert "ln C" in " ".join(verdicts[-1].reasons)


def test_a_slow_start_that_gets_there_is_no_stall() -> None:
    made = tracker(stage_steps=2000)
    verdicts = [made.batch(step, signals(step, {"gap": 0.0008 * step})) for step in range(1, 500)]
    assert {one.status for one in verdicts} == {"learning"}


def test_a_slow_start_is_a_stall_if_it_will_not_get_there() -> None:
    made = tracker(stage_steps=600)
    verdicts = [made.batch(step, signals(step, {"gap": 0.0002 * step})) for step in range(1, 500)]
    assert verdicts[-1].status == "stalled"


def test_a_learning_rate_warmup_extends_the_patience() -> None:
    verdicts = seen(tracker(rate_warmup=300), 1, 450)
    assert verdicts[-1].status == "learning"


def test_a_live_change_gives_new_patience() -> None:
    made = tracker()
    seen(made, 1, 180)
    made.changed(181)
    assert seen(made, 181, 360)[-1].status == "learning"


def test_nan_is_certain_at_once() -> None:
    made = tracker()
    seen(made, 1, 3)
    assert made.batch(4, signals(4, {"loss": math.nan})) == Verdict(
        "diverged", 4, ("the loss of step 4 is not a finite number",)
    )


def test_a_loss_beyond_that_of_ignorance_diverges() -> None:
    verdicts = seen(tracker(), 1, 60, {"loss": 40.0})
    assert verdicts[-1].status == "diverged"


def test_a_margin_makes_losses_high_without_divergence() -> None:
    high = math.log(518) + 16.0 * math.sin(1.5) + 0.25
    verdicts = seen(tracker(stage_steps=10**6), 1, 140, {"loss": high, "margin_rad": 1.5})
    assert {one.status for one in verdicts} == {"learning"}


def test_raising_the_scale_live_is_no_divergence() -> None:
    made = tracker(stage_steps=10**6)
    seen(made, 1, 100, {"gap": 2.0, "top5_running": 0.06, "loss": 4.0})
    made.changed(101)
    bigger = seen(made, 101, 130, {"gap": 2.0, "top5_running": 0.06, "scale": 64.0, "loss": 12.0})
    assert not {one.status for one in bigger} & BAD


def test_training_that_does_not_carry_over_is_watched() -> None:
    made = tracker()
    seen(made, 1, 200, HEALTHY)
    for _ in range(2):
        made.validated({"val_top1": 0.002, "val_top5": 0.009})
    verdicts = seen(made, 201, 240, HEALTHY)
    assert verdicts[-1].status == "watch"
    assert "validations were at chance" in " ".join(verdicts[-1].reasons)


@pytest.mark.parametrize(("images", "watched"), [(4, False), (100, True)])
def test_validations_of_two_people_tell_something_only_with_enough_images(images: int, watched: bool) -> None:
    """Half of 4 rightly named or all of them: guessing gives either."""
    two = replace(SHAPE, n_classes=2)
    made = VerdictTracker(two, validation_images=images)
    made.stage(0, steps=1000, rate_warmup=0)
    told = {"gap": 4.0, "top1_running": 0.95, "top5_running": 1.0, "effective_classes": 2.0}
    told |= {"max_class_share": 0.5, "label_max_share": 0.5}
    seen(made, 1, 200, told, shape=two)
    for _ in range(2):
        made.validated({"val_top1": 0.5, "val_top5": 1.0})
    verdicts = seen(made, 201, 240, told, shape=two)
    assert (verdicts[-1].status == "watch") is watched, verdicts[-1]


def test_a_restarted_worker_keeps_the_verdict_until_it_sees_otherwise() -> None:
    before = Verdict("collapsed", 200, ("two classes",))
    made = VerdictTracker(SHAPE, before=before)
    made.stage(0, steps=1360, rate_warmup=0)
    assert seen(made, 300, 307, COLLAPSED)[-1].status == "collapsed"
    assert made.verdict.since_step == 200


def test_two_classes_have_verdicts_too() -> None:
    shape = Shape(n_classes=2, embedding_dim=64, batch_size=16, window_images=256, steps_per_epoch=30)
    made = tracker(shape, stage_steps=300)
    one_sided = {
        "max_class_share": 1.0,
        "label_max_share": 0.5,
        "effective_classes": 1.0,
        "top1_running": 0.5,
        "top5_running": 1.0,
        "mutual_information": 0.0,
        "logit_std_samples": 0.0,
    }
    verdicts = seen(made, 1, 150, one_sided, shape=shape)
    assert verdicts[-1].status == "collapsed"


def test_a_sign_speaks_in_numbers() -> None:
    signs = signs_of(reading(COLLAPSED))
    assert signs.collapse
    assert len(signs.sentences) == 4
    assert all(any(character.isdigit() for character in one) for one in signs.sentences)


def test_nothing_is_seen_in_a_head_that_merely_knows_nothing() -> None:
    assert signs_of(reading()).sentences == ()


share = st.floats(0.0, 1.0)
batches = st.fixed_dictionaries(
    {
        "loss": st.one_of(st.floats(-1e3, 1e6), st.just(math.nan), st.just(math.inf)),
        "cos_different": st.floats(-1.0, 1.0),
        "collapse_level": share,
        "mutual_information": st.floats(0.0, 10.0),
        "logit_std_samples": st.floats(0.0, 100.0),
        "top1_running": share,
        "top5_running": share,
        "max_class_share": share,
        "label_max_share": share,
        "effective_classes": st.floats(0.0, 518.0),
        "gap": st.floats(-20.0, 20.0),
    }
)


@settings(deadline=None, max_examples=60)
@given(st.lists(batches, min_size=1, max_size=40), st.integers(1, 40))
def test_whatever_comes_in_the_verdict_is_one_of_the_six(runs: list[dict[str, float]], repeat: int) -> None:
    made, step = tracker(), 0
    for changed in runs:
        for _ in range(repeat):
            step += 1
            verdict = made.batch(step, signals(step, changed))
            assert verdict.status in STATUSES
            assert 0 <= verdict.since_step <= step


@given(share, share, share, st.floats(1.0, 518.0))
def test_more_concentration_never_takes_the_sign_away(
    low: float, more: float, labels: float, classes: float
) -> None:
    less = reading({"max_class_share": low, "label_max_share": labels, "effective_classes": classes})
    higher = replace(less, max_share=min(1.0, low + more))
    assert is_concentrated(higher) or not is_concentrated(less)


@given(st.floats(-1.0, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_embeddings_closer_together_never_take_signs_away(cosine: float, closer: float, level: float) -> None:
    less = replace(reading(), cos_different=cosine, collapse_level=level)
    more = replace(less, cos_different=min(1.0, cosine + closer))
    assert signs_of(more).ignoring_input >= signs_of(less).ignoring_input


@settings(deadline=None, max_examples=25)
@given(st.sampled_from([4, 8, 16, 64, 128]), st.sampled_from(["collapsed", "healthy", "nothing"]))
def test_the_same_images_in_other_batch_sizes_end_in_the_same_verdict(size: int, kind: str) -> None:
    changed = {
        "collapsed": COLLAPSED,
        "healthy": HEALTHY,
        "nothing": NOTHING,
    }[kind]
    ends = []
    for batch_size in (32, size):
        shape = replace(SHAPE, batch_size=batch_size, steps_per_epoch=136 * 32 // batch_size)
        made = tracker(shape, stage_steps=10 * shape.steps_per_epoch)
        ends.append(seen(made, 1, 5 * shape.steps_per_epoch, changed, shape=shape)[-1].status)
    assert ends[0] == ends[1]


@pytest.mark.parametrize("status", STATUSES)
def test_a_verdict_survives_json(status: str) -> None:
    verdict = Verdict.from_dict({"status": status, "since_step": 7, "reasons": ["a", "b"]})
    assert Verdict.from_dict(verdict.as_dict()) == verdict


def test_an_unknown_status_of_a_newer_version_reads_as_learning() -> None:
    assert Verdict.from_dict({"status": "enlightened"}).status == "learning"


@pytest.mark.parametrize(("gap_at_600", "expected"), [(0.12, "stalled"), (0.4, "learning")])
def test_a_run_that_leaves_chance_by_a_hair_must_get_somewhere_in_its_stage(
    gap_at_600: float, expected: str
) -> None:
    made = tracker()
    made.stage(0, steps=1200, rate_warmup=0)
    for step in range(1, 601):
        gap = gap_at_600 * step / 600
        made.batch(step, signals(step, {"gap": gap, "top1_running": 0.004, "top5_running": 0.024}))
    assert made.verdict.status == expected


def test_a_shared_direction_that_the_head_removes_is_no_sign() -> None:
    crowded = {**HEALTHY, "cos_different": 0.97, "collapse_level": 0.83}
    assert seen(tracker(), 1, 200, crowded)[-1].status == "watch"
    assert seen(tracker(), 1, 200, {**crowded, "centre": 1.0})[-1].status == "healthy"


def test_a_head_that_has_not_learned_may_predict_few_classes() -> None:
    crowded = {"cos_different": 0.75, "max_class_share": 0.45, "effective_classes": 5.0}
    verdicts = seen(tracker(), 1, 300, crowded)
    assert {one.status for one in verdicts[:130]} == {"learning"}
    assert verdicts[-1].status != "learning"


def test_a_stage_that_draws_people_together_is_watched_before_its_window_is_over() -> None:
    made = tracker()
    seen(made, 1, 200, HEALTHY)
    made.stage(200, steps=30, rate_warmup=0)
    seen(made, 201, 208, HEALTHY)
    verdicts = seen(made, 209, 230, {**HEALTHY, "cos_different": 0.97})
    assert verdicts[-1].status == "watch"
    assert "rose from 0.05 to 0.97" in " ".join(verdicts[-1].reasons)


def test_people_who_were_alike_when_the_stage_began_have_not_come_together_in_it() -> None:
    made = tracker()
    verdicts = seen(made, 1, 200, {**HEALTHY, "cos_different": 0.93, "collapse_level": 0.6})
    assert verdicts[-1].status == "healthy"


def test_new_images_that_are_no_longer_recognised_are_watched_at_once() -> None:
    made = tracker()
    seen(made, 1, 200, HEALTHY)
    statuses = []
    for top1, top5 in ((0.96, 0.99), (0.025, 0.1)):
        made.validated({"val_top1": top1, "val_top5": top5})
        statuses.append(made.verdict.status)
    assert statuses == ["healthy", "watch"]
    assert "2.5% of new images are recognised, 96.0% were before" in " ".join(made.verdict.reasons)
    made.validated({"val_top1": 0.9, "val_top5": 0.99})
    assert seen(made, 201, 240, HEALTHY)[-1].status == "healthy"


def test_a_few_percent_that_a_fine_tuning_costs_are_no_loss() -> None:
    made = tracker()
    seen(made, 1, 200, HEALTHY)
    for top1 in (0.967, 0.942):
        made.validated({"val_top1": top1, "val_top5": 0.99})
    assert made.verdict.status == "healthy"


def test_frequent_validations_do_not_delay_a_collapse() -> None:
    alone, validated = tracker(), tracker()
    for made in (alone, validated):
        seen(made, 1, 200, HEALTHY)
        made.validated({"val_top1": 0.9, "val_top5": 0.99})
        for step in range(201, 300):
            seen(made, step, step, COLLAPSED)
            if made is validated and step % 8 == 5:
                made.validated({"val_top1": 0.01, "val_top5": 0.05})
    assert validated.verdict.status == "collapsed"
    assert validated.verdict.since_step == alone.verdict.since_step
