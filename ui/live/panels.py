"""The charts of the live page: which series, references and words each one shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from edgeft_core.diagnostics.catalogue import SIGNALS
from edgeft_core.diagnostics.chance import max_share_chance, top_k_band, top_k_chance
from edgeft_core.diagnostics.theory import (
    attainable_probability,
    effective_scale,
    expected_first_loss,
    plateau_loss,
    random_logit_std,
)
from edgeft_core.figures import theme
from edgeft_core.figures.axis import HorizontalAxis
from edgeft_core.figures.chart import LineChart, Reference, draw
from edgeft_core.figures.curves import Curve, Style, curve
from edgeft_core.figures.evolution import draw_evolution, evolution
from edgeft_core.figures.shares import class_shares, draw_shares
from edgeft_core.figures.spec import Spec
from edgeft_core.figures.theme import Meaning
from edgeft_core.jobs.states import ACTIVE, ENDED
from ui.live.reading import LiveData


@dataclass(frozen=True)
class Look:
    """How the user wants all charts."""

    axis: HorizontalAxis
    smoothing: float = 0.0


@dataclass(frozen=True)
class Panel:
    """One chart with its words.

    Attributes:
        note: what was left out, or what the chart says in words; below the title.
        waits_for: shown in place of the chart while there is nothing to draw.
        linked: shares its x axis with the other charts.
    """

    figure: Spec
    note: str
    waits_for: str
    linked: bool = True


@dataclass(frozen=True)
class Slot:
    """A place in the grid: the title, the signals that its ? explains, and how to make it."""

    key: str
    title: str
    signals: tuple[str, ...]
    make: Callable[[LiveData, Look], Panel]


def predictions_now(data: LiveData, look: Look) -> Panel:
    """Sorted class shares of the window, label shares, and what guessing stays below."""
    del look
    counts_C, labels_C, images = data.window
    chance = max_share_chance(max(2, len(counts_C)), max(1, images))
    shares = class_shares(counts_C, labels_C, data.class_names, chance=chance)
    return Panel(draw_shares(shares), shares.reduced, _waits_for(data), linked=False)


def predictions_over_time(data: LiveData, look: Look) -> Panel:
    """Heat map of class shares."""
    view = data.histograms
    shown = evolution(
        look.axis.place(view.step_V, data.whole),
        view.counts_VC,
        data.class_names,
        look.axis,
        markers=data.markers(look.axis),
        x_range=data.x_range(look.axis),
    )
    return Panel(draw_evolution(shown), shown.reduced, _waits_for(data))


def logit_std(data: LiveData, look: Look) -> Panel:
    """Spread of logits across samples and across classes, beside random directions."""
    expected = random_logit_std(effective_scale(data.scale, data.temperature), data.dim)
    lines = (
        _line(data, look, "logit_std_samples", "across samples", index=0),
        _line(data, look, "logit_std_classes", "across classes", index=1),
    )
    return _panel(
        data, look, lines, (Reference(expected, f"random directions {theme.format_number(expected)}"),)
    )


def top_k(data: LiveData, look: Look) -> Panel:
    """Top-1 and Top-5, running and validation, with the band in which guessing falls."""
    lines = (
        _line(data, look, "top1_running", "Top-1", Meaning.TRAINING),
        _line(data, look, "top5_running", "Top-5", Meaning.TRAINING, dash="dot"),
        _now_and_then(data, look, "val_top1", "val. Top-1", Meaning.VALIDATION),
        _now_and_then(data, look, "val_top5", "val. Top-5", Meaning.VALIDATION, dash="dot"),
    )
    images = max(1, int(data.latest.get("window_images", 0)))
    references = tuple(_guessing(k, data.n_classes, images) for k in (1, 5) if k < data.n_classes)
    return _panel(data, look, lines, references, unit=" %")


def _guessing(k: int, n_classes: int, images: int) -> Reference:
    low, high = top_k_band(k, n_classes, images)
    chance = top_k_chance(k, n_classes)
    text = f"guessing Top-{k} {theme.format_percent(chance)}, at most {theme.format_percent(high)}"
    return Reference(100 * chance, text, band=(100 * low, 100 * high))


def similarity(data: LiveData, look: Look) -> Panel:
    """Cosines of pairs: the same image, the same person, different people."""
    lines = (
        _line(data, look, "cos_same_image", "same image", Meaning.SAME_IMAGE),
        _now_and_then(data, look, "val_cos_same_image", "", Meaning.SAME_IMAGE, dash="dot"),
        _now_and_then(data, look, "val_cos_same", "same person", Meaning.SAME_PERSON, dash="dot"),
        _line(data, look, "cos_different", "different people", Meaning.DIFFERENT_PEOPLE),
        _now_and_then(data, look, "val_cos_different", "", Meaning.DIFFERENT_PEOPLE, dash="dot"),
    )
    lowest = min((float(np.nanmin(one.low_P)) for one in lines if not one.empty), default=0.0)
    y_range = (min(-0.1, lowest - 0.05), 1.05)
    panel = _panel(data, look, lines, (Reference(0.0, "unrelated"),), y_range=y_range)
    said = "dotted: validation" if any(one.style.sparse and not one.empty for one in lines) else ""
    return replace(panel, note=", ".join(filter(None, (panel.note, said))))


def loss(data: LiveData, look: Look) -> Panel:
    """Loss beside its landmarks; gradient norms below."""
    lines = (
        _line(data, look, "loss", "loss", Meaning.TRAINING),
        _now_and_then(data, look, "val_loss", "val.", Meaning.VALIDATION),
    )
    norms = (
        _line(data, look, "grad_norm_head", "\u2207 head", index=0),
        _line(data, look, "grad_norm_backbone", "\u2207 backbone", index=1),
    )
    return _panel(data, look, lines, landmarks(data), lower=norms, lower_title="\u2207 norm")


def landmarks(data: LiveData) -> tuple[Reference, ...]:
    """Where the loss of these settings starts, rests when guessing, and rests when all cosines are 1."""
    classes, s_eff = data.n_classes, effective_scale(data.scale, data.temperature)
    if classes < 2:
        return ()
    guessing = Reference(plateau_loss(classes, s_eff, 0.0), "guessing, ln C")
    if data.record.config.head.kind != "arcface" or data.margin_rad == 0:
        return (guessing,)
    return (
        guessing,
        Reference(expected_first_loss(classes, s_eff, data.margin_rad, data.dim), "expected at first"),
        Reference(plateau_loss(classes, s_eff, data.margin_rad), "all cosines 1: collapse"),
    )


def class_cosines(data: LiveData, look: Look) -> Panel:
    """How near faces are to their own class weight, and to all others."""
    lines = (
        _line(data, look, "cos_target", "own class", Meaning.SAME_PERSON),
        _line(data, look, "cos_nontarget", "other classes", Meaning.DIFFERENT_PEOPLE),
        _now_and_then(data, look, "head_cos_mean", "between class weights", index=0),
    )
    return _panel(data, look, lines, (Reference(0.0, "unrelated"),), from_zero=False)


def probabilities(data: LiveData, look: Look) -> Panel:
    """How sure the model is, beside what s / T can reach."""
    lines = (
        _line(data, look, "prob_top_mean", "mean of the batch", index=0),
        _line(data, look, "prob_top_max", "largest", index=1),
    )
    reached = attainable_probability(effective_scale(data.scale, data.temperature), max(2, data.n_classes))
    references = (Reference(100 * reached, f"s/T reaches {theme.format_percent(reached)}"),)
    return _panel(data, look, lines, references if data.n_classes else (), unit=" %")


def spread(data: LiveData, look: Look) -> Panel:
    """Whether embeddings spread over the sphere or sit on one point."""
    lines = (_line(data, look, "collapse_level", "collapse level", index=0),)
    references = (Reference(0.0, "spread evenly"), Reference(1.0, "all faces on one point"))
    return _panel(data, look, lines, references, y_range=(-0.05, 1.2))


def _waits_for(data: LiveData) -> str:
    """What an empty chart says: what is still to come, or that nothing will."""
    if data.record.state in ENDED:
        return "This run has recorded nothing of this."
    return "Waits for the first step." if data.record.state in ACTIVE else "Waits for the run's turn."


SLOTS: Final[tuple[Slot, ...]] = (
    Slot("now", "Predictions now", ("max_class_share", "label_max_share", "unique_classes"), predictions_now),
    Slot("evolution", "Predictions over time", ("effective_classes",), predictions_over_time),
    Slot("logit_std", "Logit std", ("logit_std_samples", "logit_std_classes"), logit_std),
    Slot("top_k", "Top-1 / Top-5", ("top1_running", "top5_running", "val_top1", "val_top5"), top_k),
    Slot(
        "similarity", "Embedding similarity", ("cos_same_image", "val_cos_same", "cos_different"), similarity
    ),
    Slot("loss", "Loss, gradient norms", ("loss", "grad_norm_head", "grad_norm_backbone"), loss),
    Slot(
        "class_cosines", "Cosines to classes", ("cos_target", "cos_nontarget", "head_cos_mean"), class_cosines
    ),
    Slot("probabilities", "Probabilities", ("prob_top_mean", "prob_top_max"), probabilities),
    Slot("spread", "Embedding spread", ("collapse_level",), spread),
)
"""The grid in reading order; a further chart is a further line."""


def _line(
    data: LiveData,
    look: Look,
    name: str,
    words: str,
    meaning: Meaning | None = None,
    *,
    index: int = 0,
    dash: str = "solid",
) -> Curve:
    style = Style(words, SIGNALS[name].meaning, meaning, index, dash)
    return curve(data.view, name, style, look.axis, smoothing=look.smoothing, factor=_factor(name))


def _now_and_then(
    data: LiveData,
    look: Look,
    name: str,
    words: str,
    meaning: Meaning | None = None,
    *,
    index: int = 0,
    dash: str = "solid",
) -> Curve:
    """A curve of points; without ``words`` it shares the legend of the curve of the same colour."""
    signal = SIGNALS[name]
    style = Style(
        words or signal.title, signal.meaning, meaning, index, dash, sparse=True, in_legend=bool(words)
    )
    return curve(data.sparse, name, style, look.axis, factor=_factor(name))


def _factor(name: str) -> float:
    return 100.0 if SIGNALS[name].unit == "share" else 1.0


def _panel(
    data: LiveData, look: Look, lines: tuple[Curve, ...], references: tuple[Reference, ...], **options: Any
) -> Panel:
    """A line chart of the live page: its options are those of :class:`LineChart`."""
    chart = LineChart(
        lines,
        look.axis,
        references=references,
        markers=data.markers(look.axis),
        x_range=data.x_range(look.axis),
        **options,
    )
    return Panel(draw(chart), chart.reduced, _waits_for(data))
