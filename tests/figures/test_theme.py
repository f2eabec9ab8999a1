"""Colours keep apart and readable; numbers read the same everywhere."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from numpy.typing import NDArray

from edgeft_core.figures.theme import (
    Meaning,
    colour,
    diverging,
    format_count,
    format_duration,
    format_number,
    format_percent,
    format_rate,
    line,
    palette_pairs,
    sequential,
    series_colour,
    template,
    translucent,
)

LINES = (
    Meaning.TRAINING,
    Meaning.VALIDATION,
    Meaning.CHANCE,
    Meaning.SAME_IMAGE,
    Meaning.SAME_PERSON,
    Meaning.DIFFERENT_PEOPLE,
)
VERDICTS = (Meaning.BAD, Meaning.WATCH, Meaning.OK)
# Machado, Oliveira & Fernandes 2009, severity 1, on linear RGB.
VISIONS: dict[str, NDArray[np.float64]] = {
    "full": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1.0, 1.089])


def linear(hex_colour: str) -> NDArray[np.float64]:
    srgb = np.array([int(hex_colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio."""
    low, high = sorted(float(TO_XYZ[1] @ linear(c)) for c in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    scaled = TO_XYZ @ rgb / WHITE
    f = np.where(scaled > 0.008856, np.cbrt(scaled), 7.787 * scaled + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def difference(one: str, other: str, vision: str) -> float:
    """CIE 1976 colour difference as somebody with this vision sees it."""
    seen = [lab(np.clip(VISIONS[vision] @ linear(c), 0, 1)) for c in (one, other)]
    return float(np.linalg.norm(seen[0] - seen[1]))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("vision", list(VISIONS))
@pytest.mark.parametrize("meanings", [LINES, VERDICTS])
def test_meanings_stay_apart_for_every_kind_of_sight(
    meanings: tuple[Meaning, ...], vision: str, dark: bool
) -> None:
    for one, other in itertools.combinations(meanings, 2):
        assert difference(colour(one, dark), colour(other, dark), vision) > 11, (one, other)


@pytest.mark.parametrize("dark", [False, True])
def test_lines_and_text_stand_out_from_page_and_panels(dark: bool) -> None:
    for ground in (Meaning.BACKGROUND, Meaning.SURFACE):
        for meaning in LINES:
            assert contrast(colour(meaning, dark), colour(ground, dark)) >= 3, meaning
        for meaning in (*VERDICTS, Meaning.CHANGE, Meaning.MUTED, Meaning.TEXT):
            assert contrast(colour(meaning, dark), colour(ground, dark)) >= 4.5, meaning
        for index in range(6):
            assert contrast(series_colour(index, dark), colour(ground, dark)) >= 3


@pytest.mark.parametrize("dark", [False, True])
def test_buttons_are_seen_and_their_white_text_is_read(dark: bool) -> None:
    button = colour(Meaning.ACTION, dark)
    assert contrast(button, "#ffffff") >= 4.5
    assert contrast(button, colour(Meaning.SURFACE, dark)) >= 3


def test_one_meaning_has_one_colour_and_no_two_share_one() -> None:
    for dark in (False, True):
        used = [colour(meaning, dark) for meaning in Meaning]
        assert len(set(used)) == len(used)


def test_a_figure_can_be_recoloured_either_way_without_doubt() -> None:
    pairs = palette_pairs()
    light, dark = zip(*pairs, strict=True)
    assert len(set(light)) == len(set(dark)) == len(pairs)
    assert not set(light) & set(dark)


def test_only_references_are_dashed() -> None:
    assert [meaning for meaning in Meaning if "dash" in line(meaning)] == [Meaning.CHANCE]


def test_scales_run_from_0_to_1_and_diverge_around_the_page() -> None:
    for dark in (False, True):
        for scale in (sequential(dark), diverging(dark)):
            positions = [position for position, _ in scale]
            assert positions[0] == 0
            assert positions[-1] == 1
            assert positions == sorted(positions)
        assert dict(diverging(dark))[0.5] == colour(Meaning.SURFACE, dark)
        steps = [contrast(hex_colour, colour(Meaning.BACKGROUND, dark)) for _, hex_colour in sequential(dark)]
        assert steps == sorted(steps)


@pytest.mark.parametrize("dark", [False, True])
def test_the_template_is_transparent_and_takes_every_colour_from_the_palette(dark: bool) -> None:
    figure = go.Figure(layout={"template": template(dark)})
    known = {pair[dark] for pair in palette_pairs()}

    def colours(part: Any) -> set[str]:
        if isinstance(part, dict):
            return set().union(*map(colours, part.values()))
        if isinstance(part, list | tuple):
            return set().union(*map(colours, part))
        return {part} if isinstance(part, str) and part.startswith("#") else set()

    layout = figure.layout.template.layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0, 0, 0, 0)"
    assert colours(layout.to_plotly_json()) <= known


def test_translucent_keeps_the_colour() -> None:
    assert translucent("#0a10ff", 0.25) == "rgba(10, 16, 255, 0.25)"


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.01234, "1.2 %"),
        (0.5234, "52.3 %"),
        (1 / 518, "0.2 %"),
        (1.0, "100 %"),
        (0.99949, "99.9 %"),
        (0.9999, "100 %"),
        (0.0004, "0.04 %"),
        (0.0, "0 %"),
        (-0.031, "-3.1 %"),
        (None, "n/a"),
        (float("nan"), "n/a"),
    ],
)
def test_percent_has_one_digit(share: float | None, text: str) -> None:
    assert format_percent(share) == text


@pytest.mark.parametrize(
    ("rate", "text"),
    [(1e-4, "1e-4"), (2.5e-4, "2.5e-4"), (0.1, "1e-1"), (1.0, "1"), (3.0, "3"), (0.0, "0"), (None, "n/a")],
)
def test_rates_are_powers_of_ten(rate: float | None, text: str) -> None:
    assert format_rate(rate) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.14159, "3.14"),
        (518, "518"),
        (1234.5, "1230"),
        (0.05, "0.05"),
        (0.0999999, "0.1"),
        (99_960, "1e5"),
        (0.0001, "1e-4"),
        (-2.5, "-2.5"),
        (0, "0"),
        (float("inf"), "inf"),
        (float("nan"), "n/a"),
        (None, "n/a"),
    ],
)
def test_numbers_have_three_significant_digits_at_most(value: float | None, text: str) -> None:
    assert format_number(value) == text


def test_counts_are_exact() -> None:
    assert [format_count(count) for count in (0, 518, 1_240_000, None)] == ["0", "518", "1 240 000", "n/a"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.42, "0.4 s"),
        (9.97, "10 s"),
        (42, "42 s"),
        (59.7, "1:00"),
        (80, "1:20"),
        (7500, "2:05:00"),
        (300_000, "3 d 11 h"),
        (-42, "-42 s"),
        (None, "n/a"),
    ],
)
def test_durations_read_like_a_clock(seconds: float | None, text: str) -> None:
    assert format_duration(seconds) == text
