"""What counts as a cure: cases made by hand, most of them such that a wrong rule would be fooled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgeft_core.proof.outcome import is_clearly_more, judge, percent
from edgeft_core.proof.record import Twin

C = 518


def twin(**measured: Any) -> Twin:
    """A collapsed run over 518 classes, unless told otherwise: Top-5 at guessing, one class takes half."""
    usual = {
        "max_class_share": 0.52,
        "effective_classes": 5.0,
        "label_max_share": 0.004,
        "top1": 0.002,
        "top5": 0.009,
        "cos_different": 0.97,
        "window_images": 1024.0,
        "val_top1": 0.002,
        "val_top5": 0.0096,
        "val_images": 520.0,
    }
    broke = str(measured.pop("broke", ""))
    return Twin(measured={**usual, **measured}, broke=broke)


HEALTHY = {"max_class_share": 0.03, "effective_classes": 300.0, "cos_different": 0.05}


def test_a_cure_is_verified_and_told_in_one_sentence() -> None:
    found = judge(twin(), twin(**HEALTHY, top5=0.09, val_top5=0.08), C)
    assert found.outcome == "verified"
    assert found.sentence == (
        "Fix verified: largest class 52 % \u2192 3.0 %, 5 \u2192 300 classes, Top-5 0.9 % \u2192 9.0 %, "
        "Top-5 of new images 1.0 % \u2192 8.0 % (guessing 1.0 %)."
    )
    assert "Top-5 of 1024 training images: 0.9 % without, 9.0 % with the fix" in found.reasons[0]
    assert found.reasons[0].endswith("clearly better.")


def test_more_classes_alone_are_no_cure_while_accuracy_stays_at_guessing() -> None:
    assert judge(twin(), twin(**HEALTHY, top5=0.012), C).outcome == "no_effect"


def test_noise_within_the_band_of_guessing_is_no_effect() -> None:
    """Three times as many hits, and still no more than one guesser in a thousand has."""
    found = judge(twin(top5=0.006), twin(top5=0.018, val_top5=0.02), C)
    assert found.outcome == "no_effect"
    assert "not beyond guessing" in found.reasons[0]


def test_a_difference_beyond_guessing_that_noise_explains_is_no_effect() -> None:
    assert judge(twin(top5=0.50), twin(top5=0.54), C).outcome == "no_effect"
    assert judge(twin(top5=0.025), twin(top5=0.036), C).outcome == "no_effect"


def test_a_significant_difference_that_does_not_matter_is_no_effect() -> None:
    many = {"window_images": 50_000.0}
    assert judge(twin(top5=0.50, **many), twin(top5=0.52, **many), C).outcome == "no_effect"


def test_losing_what_was_known_is_worse() -> None:
    found = judge(twin(**HEALTHY, top5=0.4, val_top5=0.3), twin(**HEALTHY, top5=0.2, val_top5=0.28), C)
    assert found.outcome == "worse"
    assert found.sentence.startswith("Worse with the fix: ")


def test_fewer_classes_without_more_accuracy_are_worse() -> None:
    """As the reported cure of the original run: the histogram falls together, accuracy stays at guessing."""
    before = twin(max_class_share=0.03, effective_classes=300.0)
    assert judge(before, twin(max_class_share=0.55, effective_classes=9.0), C).outcome == "worse"
    better = twin(max_class_share=0.55, effective_classes=9.0, top5=0.2)
    assert judge(before, better, C).outcome == "verified", "unless accuracy says otherwise"


def test_better_on_training_images_and_worse_on_new_ones_is_no_cure() -> None:
    found = judge(twin(**HEALTHY, val_top5=0.3), twin(**HEALTHY, top5=0.4, val_top5=0.1), C)
    assert found.outcome == "no_effect"
    assert "worse on others" in found.reasons[-1]


def test_spread_predictions_count_for_a_head_that_knows_more_than_guessing() -> None:
    before, after = twin(top5=0.05, val_top5=0.04), twin(**HEALTHY, top5=0.06, val_top5=0.05)
    assert judge(before, after, C).outcome == "verified"
    assert judge(after, before, C).outcome == "worse"


def test_embeddings_that_fall_together_are_worse_before_accuracy_shows_it() -> None:
    before, after = twin(**HEALTHY, top5=0.3), twin(**{**HEALTHY, "cos_different": 0.95}, top5=0.3)
    found = judge(before, after, C)
    assert found.outcome == "worse"
    assert "mean cosine of 0.05 without and 0.95 with" in found.reasons[-1]


def test_a_skewed_label_distribution_explains_a_large_class() -> None:
    skewed = {**HEALTHY, "label_max_share": 0.5, "top5": 0.3}
    before, after = twin(**{**skewed, "max_class_share": 0.6, "effective_classes": 5.0}), twin(**skewed)
    assert judge(before, after, C).outcome == "no_effect"


def test_with_few_classes_the_best_guess_decides() -> None:
    """With 10 classes guessing's Top-5 is one half."""
    before, after = twin(top1=0.1, top5=0.9), twin(**HEALTHY, top1=0.6, top5=0.95)
    found = judge(before, after, 10)
    assert found.outcome == "verified"
    assert "Top-1 10 % \u2192 60 %" in found.sentence
    assert "Top-5" not in found.sentence


def test_a_twin_that_breaks_decides() -> None:
    well, broken = twin(), twin(broke="Step 3: NaN in the loss.")
    assert judge(broken, well, C).outcome == "verified"
    assert judge(broken, well, C).sentence == (
        "Fix verified: without it the run broke (Step 3: NaN in the loss), with it it goes on."
    )
    assert judge(well, broken, C).outcome == "worse"
    assert judge(broken, broken, C).outcome == "no_effect"


def test_without_validation_images_training_images_decide() -> None:
    before = Twin(measured={"top5": 0.01, "window_images": 800.0})
    after = Twin(measured={"top5": 0.4, "window_images": 800.0})
    assert judge(before, after, C).outcome == "verified"


def test_twins_of_equal_skill_are_hardly_ever_told_apart() -> None:
    """Both guess, or both know the same: 2000 pairs drawn, at most one called different."""
    random = np.random.default_rng(0)
    for skill in (5 / C, 0.05, 0.5):
        hits = random.binomial(1024, skill, (2000, 2)) / 1024
        told = [judge(twin(top5=one), twin(top5=other), C).outcome for one, other in hits.tolist()]
        assert sum(one != "no_effect" for one in told) <= 1


@pytest.mark.parametrize(
    ("more", "less", "images", "expected"),
    [
        (0.09, 0.009, 1024, True),  # 8.4 standard errors
        (0.09, 0.009, 30, False),  # 1.4 of them
        (0.31, 0.24, 1024, False),  # 3.6
        (0.32, 0.24, 1024, True),  # 4.03
        (0.2, 0.2, 1024, False),
        (0.0, 0.0, 1024, False),
        (1.0, 0.0, 1024, True),
    ],
)
def test_two_shares_differ_by_more_than_noise(more: float, less: float, images: int, expected: bool) -> None:
    assert is_clearly_more(more, less, images) is expected


def test_percent_keeps_one_digit_below_ten() -> None:
    assert [percent(one) for one in (0.0093, 0.0949, 0.0999, 0.52, 1.0)] == [
        "0.9 %", "9.5 %", "10 %", "52 %", "100 %",
    ]  # fmt: skip
