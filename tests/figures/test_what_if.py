"""What the lab says about its pictures: every number has words, every word belongs to a number."""

from __future__ import annotations

import re

import numpy as np

from edgeft_core.config import HeadConfig
from edgeft_core.figures.theme import palette_pairs
from edgeft_core.figures.what_if import PANELS, READINGS, ink, spoken
from edgeft_core.labs.what_if.outcome import outcome


def test_every_number_above_a_picture_is_computed_and_explained() -> None:
    computed = outcome(np.eye(4, dtype=np.float32), np.arange(4), HeadConfig(), 8).readings
    shown = [name for panel in PANELS.values() for name in panel.readings]
    assert set(shown) == set(READINGS), "each reading stands above exactly the pictures that name it"
    assert len(shown) == len(set(shown))
    assert set(READINGS) <= set(computed)


def test_words_are_sentences() -> None:
    for one in [panel.text for panel in PANELS.values()] + [reading.meaning for reading in READINGS.values()]:
        assert one.endswith(".")
        assert one[0].isupper()


def test_colours_are_those_of_the_theme_in_both_themes() -> None:
    for pair in ink().values():
        assert pair in palette_pairs()
        assert all(re.fullmatch("#[0-9a-f]{6}", one) for one in pair)


def test_what_travels_to_the_browser_is_plain() -> None:
    told = spoken()
    assert told["panels"]["loss"]["readings"] == ("loss", "plain_loss")
    assert told["readings"]["ece"]["format"] == "percent"
