"""What a run tells, in which order, and that it tells the same again."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from edgeft_core.data import open_dataset
from edgeft_core.diagnostics.catalogue import SIGNALS
from edgeft_core.events import (
    BatchDone,
    CheckpointSaved,
    Event,
    FirstBatch,
    Notice,
    Progress,
    RunEnded,
    RunPrepared,
    SamplesTaken,
    SignalsMeasured,
    StageEnded,
    StageStarted,
)
from tests.engine.runs import events_of, of, story, tiny


def test_a_run_tells_its_story_in_order(whole_run: list[Event]) -> None:
    told = [type(event).__name__ for event in whole_run if not isinstance(event, Progress | Notice)]
    assert told[:3] == ["RunPrepared", "StageStarted", "CheckpointAhead"]
    assert told[3:6] == ["CheckpointReady", "CheckpointSaved", "FirstBatch"]
    assert told[-1] == "RunEnded"
    stages = [event for event in whole_run if isinstance(event, StageStarted | StageEnded)]
    assert [(type(one).__name__, one.stage, one.step) for one in stages] == [
        ("StageStarted", 0, 0),
        ("StageEnded", 0, 12),
        ("StageStarted", 1, 12),
        ("StageEnded", 1, 24),
    ]


def test_what_is_known_before_the_first_step_is_told_first(whole_run: list[Event]) -> None:
    prepared = of(RunPrepared, whole_run)[0]
    assert prepared.split_images == {"train": 48, "validation": 12, "test": 12}
    assert prepared.label_counts_C.tolist() == [4] * 12
    assert (prepared.steps_per_epoch, prepared.steps_total) == (6, 24)
    assert prepared.device == "cpu (1 threads)"
    assert prepared.parameters["head"] == 12 * 32
    assert prepared.weights["source"] == "none"


def test_the_first_stage_works_on_cached_embeddings_and_trains_the_head_only(whole_run: list[Event]) -> None:
    first, second = of(StageStarted, whole_run)
    assert first.cached
    assert first.trainable == {"head": 12 * 32, "backbone": 0}
    assert not second.cached
    assert second.trainable["backbone"] > 1_000_000


def test_the_first_batch_shows_ten_predictions_beside_ten_labels_before_any_step(
    whole_run: list[Event],
) -> None:
    first = of(FirstBatch, whole_run)
    assert len(first) == 1
    assert whole_run.index(first[0]) < whole_run.index(of(BatchDone, whole_run)[0])
    assert first[0].true == tuple(of(BatchDone, whole_run)[0].labels_B[:10])
    assert first[0].predicted == tuple(of(BatchDone, whole_run)[0].predicted_B[:10])
    assert first[0].embedding_std > 0.0


def test_every_step_is_told_once_with_its_place(whole_run: list[Event]) -> None:
    batches = of(BatchDone, whole_run)
    assert [one.step for one in batches] == list(range(1, 25))
    assert [one.epoch for one in batches[:12]] == pytest.approx([k / 6 for k in range(1, 13)])
    assert {one.stage for one in batches[12:]} == {1}


@pytest.mark.parametrize("stage", [0, 1])
def test_every_batch_carries_every_signal_of_a_batch_as_a_finite_number(
    whole_run: list[Event], stage: int
) -> None:
    always = {
        *(
            "loss",
            "lr_head",
            "grad_norm_head",
            "emb_norm",
            "collapse_level",
            "cos_different",
            "cos_same_image",
        ),
        *("logit_mean", "logit_std_samples", "logit_std_classes", "logit_min", "logit_max"),
        *("cos_target", "cos_nontarget", "prob_top_mean", "prob_top_max", "mutual_information"),
        *("top1", "top5", "top1_running", "top5_running", "max_class_share", "label_max_share"),
        *("effective_classes", "unique_classes", "window_images", "images_per_s", "device_memory_mib"),
        *("scale", "margin_rad", "temperature", "centre"),
    }
    trained = {"lr_backbone", "grad_norm_backbone", "loss_contrastive"} if stage else set()
    for batch in (one for one in of(BatchDone, whole_run) if one.stage == stage):
        assert always | trained <= set(batch.scalars) <= set(SIGNALS)
        assert all(math.isfinite(value) for value in batch.scalars.values())


def test_scalars_agree_with_the_predictions_beside_them(whole_run: list[Event]) -> None:
    latest: list[tuple[int, int]] = []
    for batch in of(BatchDone, whole_run):
        hits = batch.predicted_B == batch.labels_B
        assert batch.scalars["top1"] == pytest.approx(hits.mean())
        latest = [*latest, *zip(batch.predicted_B.tolist(), batch.labels_B.tolist(), strict=True)][-40:]
        counts = np.bincount([predicted for predicted, _ in latest])
        assert batch.scalars["max_class_share"] == pytest.approx(counts.max() / len(latest))
        assert batch.scalars["unique_classes"] == np.count_nonzero(counts)
        assert batch.scalars["top1_running"] == pytest.approx(np.mean([p == y for p, y in latest]))
        assert batch.scalars["window_images"] == len(latest)


def test_an_epoch_shows_every_training_image_once(whole_run: list[Event], home: Path) -> None:
    config = tiny()
    dataset = open_dataset(config.data, seed=config.seed, cache=home / "cache")
    labels = [int(label) for batch in of(BatchDone, whole_run)[:6] for label in batch.labels_B]
    assert np.bincount(labels, minlength=12).tolist() == dataset.label_counts("train").tolist()


def test_validation_follows_every_epoch_and_the_test_comes_last(whole_run: list[Event]) -> None:
    measured = of(SignalsMeasured, whole_run)
    validated = [one for one in measured if "val_top1" in one.scalars]
    assert [one.step for one in validated] == [6, 12, 18, 24]
    assert {"val_top5", "val_loss", "val_cos_same_image", "val_cos_different"} <= set(validated[0].scalars)
    tested = [one for one in measured if "test_top1" in one.scalars]
    assert len(tested) == 1
    ended = of(RunEnded, whole_run)[0]
    assert (ended.step, ended.reason) == (24, "finished")
    assert ended.scalars == tested[0].scalars


def test_frozen_embeddings_validate_with_constant_similarities(whole_run: list[Event]) -> None:
    same = [
        one.scalars["val_cos_same_image"]
        for one in of(SignalsMeasured, whole_run)
        if "val_top1" in one.scalars
    ]
    assert same[0] == same[1]
    assert same[3] != same[1]


def test_samples_name_images_of_their_split_with_falling_probabilities(
    whole_run: list[Event], home: Path
) -> None:
    config = tiny()
    dataset = open_dataset(config.data, seed=config.seed, cache=home / "cache")
    taken = of(SamplesTaken, whole_run)
    assert {one.split for one in taken} == {"train", "validation", "test"}
    for one in taken:
        rows = [dataset.index_of(item) for item in one.items_N]
        assert set(rows) <= set(dataset.splits[one.split].tolist())
        assert one.labels_N.tolist() == dataset.labels_N[rows].tolist()
        assert one.top_NK.shape == one.probs_NK.shape == (8, 5)
        assert (np.diff(one.probs_NK, axis=1) <= 0).all()
        assert (one.probs_NK.sum(axis=1) <= 1 + 1e-5).all()


def test_training_samples_come_on_a_schedule_and_not_with_every_step(whole_run: list[Event]) -> None:
    steps = [one.step for one in of(SamplesTaken, whole_run) if one.split == "train"]
    assert steps == [1, 4, 8, 12, 16, 20, 24]


def test_heavy_signals_come_on_their_schedule(whole_run: list[Event]) -> None:
    heavy = [one for one in of(SignalsMeasured, whole_run) if "effective_rank" in one.scalars]
    assert [one.step for one in heavy] == [4, 16, 20, 24]  # the first 12 steps on a frozen backbone
    assert "effective_rank_centred" in heavy[0].scalars
    heads = [one.step for one in of(SignalsMeasured, whole_run) if "head_cos_mean" in one.scalars]
    assert heads == [4, 8, 12, 16, 20, 24]


def test_the_tiny_run_learns(whole_run: list[Event]) -> None:
    losses = [one.scalars["loss"] for one in of(BatchDone, whole_run)]
    assert np.mean(losses[-6:]) < np.mean(losses[:6])


def test_last_is_saved_after_every_epoch_and_best_after_a_better_validation(whole_run: list[Event]) -> None:
    saved = of(CheckpointSaved, whole_run)
    assert [one.step for one in saved if one.kind == "last"] == [6, 12, 18, 24]
    top = -1.0
    for one in (one for one in saved if one.kind == "best"):
        assert one.scalars["val_top1"] >= top
        top = one.scalars["val_top1"]


def test_the_same_config_tells_the_same_again_from_a_warm_cache(home: Path, whole_run: list[Event]) -> None:
    assert story(events_of(tiny(), home, name="again")) == story(whole_run)


def test_the_same_config_tells_the_same_again_in_another_home(tmp_path: Path, whole_run: list[Event]) -> None:
    assert story(events_of(tiny(), tmp_path)) == story(whole_run)


def test_another_seed_tells_something_else(home: Path, whole_run: list[Event]) -> None:
    other = events_of(tiny(seed=7, stages__0__epochs=1, stages__1__epochs=1), home, name="other")
    assert of(BatchDone, other)[0].scalars["loss"] != of(BatchDone, whole_run)[0].scalars["loss"]


def test_without_cached_views_the_first_stage_embeds_anew_each_time(home: Path) -> None:
    events = events_of(tiny(stages__0__cached_views=0, stages__1__epochs=1), home, name="uncached")
    assert not of(StageStarted, events)[0].cached
    assert of(StageStarted, events)[0].trainable["backbone"] == 0
    assert "grad_norm_backbone" not in of(BatchDone, events)[0].scalars


def test_training_on_hr_swaps_the_two_resolutions(home: Path) -> None:
    changes = {"stages__0__epochs": 1, "stages__1__epochs": 1, "stages__0__cached_views": 1}
    sr = events_of(tiny(**changes), home, name="sr")
    hr = events_of(tiny(**changes, data__train_on="hr"), home, name="hr")
    first_sr, first_hr = of(BatchDone, sr)[0], of(BatchDone, hr)[0]
    assert first_sr.scalars["cos_same_image"] == pytest.approx(first_hr.scalars["cos_same_image"], abs=1e-5)
    assert first_sr.scalars["emb_norm"] != first_hr.scalars["emb_norm"]


def test_a_stage_without_gain_ends_early(home: Path) -> None:
    config = tiny(
        stages__0__epochs=30, stages__0__head_lr=0.0, stages__0__patience_epochs=2, stages__1__epochs=1
    )
    events = events_of(config, home, name="early")
    ended = of(StageEnded, events)[0]
    # The first epoch sets the mark; two more without gain end the stage.
    assert (ended.reason, ended.step) == ("early_stop", 18)
    assert of(StageStarted, events)[1].step == 18
