"""The edge of collapse in a finished (or growing) sweep, in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from edgeft_core.labs.sweep.axes import NAMES
from edgeft_core.labs.sweep.edge import S_EFF, Bools, Edge, Floats, collapsed, find_edge
from edgeft_core.labs.sweep.heads import HeadSettings
from edgeft_core.labs.sweep.marks import Mark, differences, nearest_head, reported_marks
from edgeft_core.queries.sweep import SweepResults

_LEAST_EFFECT = 0.02


@dataclass(frozen=True)
class EdgeReport:
    """What a sweep says about collapse at one look.

    Attributes:
        edge: None where too little was measured.
        on_validation: measured on the validation set; else on the latest training images.
        sentences: the findings, the most important first.
        marks: a sentence about each of the reported settings.
    """

    edge: Edge | None
    on_validation: bool
    sentences: tuple[str, ...]
    marks: tuple[str, ...]


def has_validation(frame: pd.DataFrame) -> bool:
    """Whether the heads were scored on a validation set."""
    return bool(frame["val_max_class_share"].notna().any())


def collapsed_of(results: SweepResults, frame: pd.DataFrame, *, on_validation: bool, step: int) -> Bools:
    """Which heads of a frame (:func:`~edgeft_core.queries.sweep.sweep_frame`) collapsed, as measured after ``step``."""
    prefix = "val_" if on_validation else ""
    images = results.validation_images if on_validation else results.window_images(step)
    return collapsed(
        frame[f"{prefix}max_class_share"].to_numpy(float),
        frame[f"{prefix}effective_classes"].to_numpy(float),
        results.n_classes,
        max(1, images),
    )


def edge_report(results: SweepResults, frame: pd.DataFrame) -> EdgeReport:
    """Which heads collapsed, what drives it, where the border lies, and where the reported settings are."""
    on_validation = has_validation(frame)
    column = "val_max_class_share" if on_validation else "max_class_share"
    measured = frame.dropna(subset=[column])
    if measured.empty or results.table is None:
        return EdgeReport(None, on_validation, ("Nothing is measured yet.",), ())
    heads: list[HeadSettings] = [dict(results.table.heads[head]) for head in measured["head"]]
    share_K = measured[column].to_numpy(float)
    edge = find_edge(
        heads,
        share_K,
        collapsed_of(results, measured, on_validation=on_validation, step=int(measured["step"].max())),
    )
    sentences = [_count(edge, share_K), *_border(edge), *_effects(edge, share_K)]
    places = [nearest_head(heads, mark) for mark in reported_marks()]
    marks = tuple(
        _about(mark, heads[place], measured.iloc[place], collapsed=bool(edge.collapsed_K[place]))
        + _elsewhere(mark, results)
        for mark, place in zip(reported_marks(), places, strict=True)
    )
    return EdgeReport(edge, on_validation, tuple(sentences), marks)


def _count(edge: Edge, share_K: Floats) -> str:
    n, bad = len(share_K), int(edge.collapsed_K.sum())
    lowest, highest = f"{share_K.min():.1%}", f"{share_K.max():.1%}"
    if bad == 0:
        return f"None of {n} heads collapsed; the largest share of one class is {lowest} to {highest}."
    if bad == n:
        return (
            f"All {n} heads collapsed (one class takes {lowest} to {highest}): no setting of these axes helps. That "
            "points at the embeddings - input or weights - and not at the head."
        )
    return f"{bad} of {n} heads collapsed; the largest share of one class is {lowest} to {highest}."


def _border(edge: Edge) -> list[str]:
    border = edge.border
    if border is None:
        mixed = bool(edge.collapsed_K.any()) and not bool(edge.collapsed_K.all())
        return ["No single axis tells them apart: see the map for the border."] if mixed else []
    side, other = ("below", "above") if border.below else ("above", "below")
    return [
        f"The border lies at {title(border.axis)} between {border.lower:.3g} and {border.upper:.3g}: {side} it "
        f"{_of(border.collapsed_inside, border.inside)} collapsed, {other} it "
        f"{_of(border.collapsed_outside, border.outside)}."
    ]


def _effects(edge: Edge, share_K: Floats) -> list[str]:
    if not edge.effects:
        return ["All heads have the same largest share: no axis matters."]
    told = [
        f"{' with '.join(map(title, one.axes))} {one.share:.0%}"
        for one in edge.effects
        if one.share >= _LEAST_EFFECT
    ]
    if not told:
        return ["No axis explains how the largest share varies between heads."]
    spread = float(share_K.max() - share_K.min())
    sentence = (
        f"Of the variance of the largest share (it spans {spread:.1%}), axes explain: {', '.join(told)}."
    )
    if edge.quotient is not None:
        sentence += f" Scale and temperature act through s / T alone, which explains {edge.quotient:.0%}."
    return [sentence]


def _about(mark: Mark, head: HeadSettings, row: pd.Series[Any], *, collapsed: bool) -> str:
    """How the head did that is nearest to a mark."""
    words = ", ".join(f"{title(key)} {value_words(value)}" for key, value in head.items())
    exact = all(mark.settings[key] == value for key, value in head.items())
    validated = not math.isnan(row["val_max_class_share"])
    share, top1 = row[["val_max_class_share", "val_top1"] if validated else ["max_class_share", "top1"]]
    state = "collapsed" if collapsed else "did not collapse"
    near = "" if exact else "nearest head: "
    return f"{mark.name} ({near}{words}): {state}, one class takes {share:.1%}, Top-1 {top1:.1%}."


def _elsewhere(mark: Mark, results: SweepResults) -> str:
    """What no axis of the sweep can show: settings that all heads share and the mark has otherwise."""
    apart = differences(results.run.config, results.keys, mark)
    if not apart:
        return ""
    told = ", ".join(f"{title(key)} {value_words(value)}" for key, value in apart.items())
    return f" The report also had {told}, which differs from what all heads here share."


def title(key: str) -> str:
    """The name of an axis in a sentence."""
    return key if key == S_EFF else NAMES[key]


def value_words(value: object) -> str:
    """A value of an axis in a sentence."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if not isinstance(value, float):
        return str(value)
    if 0 < value < 1e-2:
        digits, power = f"{value:.2e}".split("e")
        return f"{float(digits):g}e{int(power)}"
    return f"{value:.3g}"


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole}"
