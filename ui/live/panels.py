"""The first charts of the live page: which series, references and words each one shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from edgeft_core.diagnostics.chance import max_share_chance, top_k_band, top_k_chance
from edgeft_core.diagnostics.theory import (
    effective_scale,
    expected_first_loss,
    plateau_loss,
    random_logit_std,
)
from edgeft_core.figures import theme
from edgeft_core.figures.chart import Reference
from edgeft_core.figures.evolution import draw_evolution, evolution
from edgeft_core.figures.shares import class_shares, draw_shares
from edgeft_core.figures.theme import Meaning
from ui.live.panel import Look, Panel, Slot, line, line_panel, now_and_then, waits_for
from ui.live.reading import LiveData


def predictions_now(data: LiveData, look: Look) -> Panel:
    """Sorted class shares of the window, label shares, and what guessing stays below."""
    del look
    counts_C, labels_C, images = data.window
    chance = max_share_chance(max(2, len(counts_C)), max(1, images))
    shares = class_shares(counts_C, labels_C, data.class_names, chance=chance)
    return Panel(draw_shares(shares), shares.reduced, waits_for(data), linked=False)


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
    return Panel(draw_evolution(shown), shown.reduced, waits_for(data))


def logit_std(data: LiveData, look: Look) -> Panel:
    """Spread of logits across samples and across classes, beside random directions."""
    expected = random_logit_std(effective_scale(data.scale, data.temperature), data.dim)
    lines = (
        line(data, look, "logit_std_samples", "across samples", index=0),
        line(data, look, "logit_std_classes", "across classes", index=1),
    )
    reference = Reference(expected, f"random directions, s / (T \u221ad) = {theme.format_number(expected)}")
    return line_panel(data, look, lines, (reference,))


def top_k(data: LiveData, look: Look) -> Panel:
    """Top-1 and Top-5, running and validation, with the band in which guessing falls."""
    lines = (
        line(data, look, "top1_running", "Top-1", Meaning.TRAINING),
        line(data, look, "top5_running", "Top-5", Meaning.TRAINING, dash="dot"),
        now_and_then(data, look, "val_top1", "val. Top-1", Meaning.VALIDATION),
        now_and_then(data, look, "val_top5", "val. Top-5", Meaning.VALIDATION, dash="dot"),
    )
    images = max(1, int(data.latest.get("window_images", 0)))
    references = tuple(_guessing(k, data.n_classes, images) for k in (1, 5) if k < data.n_classes)
    return line_panel(data, look, lines, references, unit=" %")


def _guessing(k: int, n_classes: int, images: int) -> Reference:
    low, high = top_k_band(k, n_classes, images)
    chance = top_k_chance(k, n_classes)
    text = f"guessing Top-{k} {theme.format_percent(chance)}, at most {theme.format_percent(high)}"
    return Reference(100 * chance, text, band=(100 * low, 100 * high))


def similarity(data: LiveData, look: Look) -> Panel:
    """Cosines of pairs: the same image, the same person, different people."""
    lines = (
        line(data, look, "cos_same_image", "same image", Meaning.SAME_IMAGE),
        now_and_then(data, look, "val_cos_same_image", "", Meaning.SAME_IMAGE, dash="dot"),
        now_and_then(data, look, "val_cos_same", "same person", Meaning.SAME_PERSON, dash="dot"),
        line(data, look, "cos_different", "different people", Meaning.DIFFERENT_PEOPLE),
        now_and_then(data, look, "val_cos_different", "", Meaning.DIFFERENT_PEOPLE, dash="dot"),
    )
    lowest = min((float(np.nanmin(one.low_P)) for one in lines if not one.empty), default=0.0)
    y_range = (min(-0.1, lowest - 0.05), 1.05)
    panel = line_panel(data, look, lines, (Reference(0.0, "unrelated"),), y_range=y_range)
    said = "dotted: validation" if any(one.style.sparse and not one.empty for one in lines) else ""
    return replace(panel, note=", ".join(filter(None, (panel.note, said))))


def loss(data: LiveData, look: Look) -> Panel:
    """Loss beside its landmarks; gradient norms below."""
    lines = (
        line(data, look, "loss", "loss", Meaning.TRAINING),
        now_and_then(data, look, "val_loss", "val.", Meaning.VALIDATION),
    )
    norms = (
        line(data, look, "grad_norm_head", "\u2207 head", index=0),
        line(data, look, "grad_norm_backbone", "\u2207 backbone", index=1),
    )
    return line_panel(data, look, lines, landmarks(data), lower=norms, lower_title="\u2207 norm")


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


SLOTS: Final[tuple[Slot, ...]] = (
    Slot("now", "Predictions now", ("max_class_share", "label_max_share", "unique_classes"), predictions_now),
    Slot("evolution", "Predictions over time", ("effective_classes",), predictions_over_time),
    Slot("logit_std", "Logit std", ("logit_std_samples", "logit_std_classes"), logit_std),
    Slot("top_k", "Top-1 / Top-5", ("top1_running", "top5_running", "val_top1", "val_top5"), top_k),
    Slot(
        "similarity",
        "Embedding similarity",
        ("cos_same_image", "val_cos_same_image", "val_cos_same", "cos_different", "val_cos_different"),
        similarity,
    ),
    Slot("loss", "Loss, gradient norms", ("loss", "val_loss", "grad_norm_head", "grad_norm_backbone"), loss),
)
"""The first charts, in reading order: is it learning, is it collapsing?"""
