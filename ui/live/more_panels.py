"""Further charts of the live page, in groups that are read and drawn only while they are open."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from edgeft_core.diagnostics.chance import max_share_chance
from edgeft_core.diagnostics.theory import (
    adacos_scale,
    attainable_probability,
    cosface_scale_bound,
    effective_scale,
)
from edgeft_core.figures import theme
from edgeft_core.figures.chart import Reference
from edgeft_core.figures.curves import Style, curve
from edgeft_core.figures.theme import Meaning
from ui.live.panel import Look, Panel, Slot, line, line_panel, now_and_then
from ui.live.reading import LiveData

_RANK_SAMPLE: Final = 256  # embeddings behind the effective rank
_TOO_HOT: Final = 1e-2
_LIKELY: Final = 0.95  # the probability that CosFace's bound is computed for


@dataclass(frozen=True)
class Group:
    """Charts below the first ones.

    Attributes:
        title: names what is inside, for it is folded at first.
    """

    key: str
    title: str
    slots: tuple[Slot, ...]


def largest_class(data: LiveData, look: Look) -> Panel:
    """The most predicted class over time, beside the largest label and what guessing stays below."""
    lines = (
        line(data, look, "max_class_share", "predictions", Meaning.TRAINING),
        now_and_then(data, look, "val_max_class_share", "val.", Meaning.VALIDATION),
        line(data, look, "label_max_share", "labels", index=1),
    )
    images = max(1, int(data.latest.get("window_images", 0)))
    chance = max_share_chance(max(2, data.n_classes), images)
    reference = Reference(100 * chance, f"guessing stays below {theme.format_percent(chance)}")
    return line_panel(data, look, lines, (reference,) if data.n_classes else (), unit=" %")


def classes_predicted(data: LiveData, look: Look) -> Panel:
    """How many classes the window's predictions contain, and in effect."""
    lines = (
        line(data, look, "effective_classes", "in effect", Meaning.TRAINING),
        line(data, look, "unique_classes", "ever", Meaning.TRAINING, dash="dot"),
        now_and_then(data, look, "val_effective_classes", "val., in effect", Meaning.VALIDATION),
    )
    references = (
        Reference(1.0, "1 = collapse"),
        Reference(float(data.n_classes), f"all {theme.format_count(data.n_classes)} classes"),
    )
    return line_panel(data, look, lines, references if data.n_classes else ())


def probabilities(data: LiveData, look: Look) -> Panel:
    """How sure the model is, beside what s / T can reach."""
    lines = (
        line(data, look, "prob_top_mean", "mean of the batch", index=0),
        line(data, look, "prob_top_max", "largest", index=1),
        line(data, look, "saturated_share", "images above 99 %", index=2),
    )
    reached = attainable_probability(_s_eff(data), max(2, data.n_classes))
    references = (Reference(100 * reached, f"s/T reaches {theme.format_percent(reached)}"),)
    return line_panel(data, look, lines, references if data.n_classes else (), unit=" %")


def mutual_information(data: LiveData, look: Look) -> Panel:
    """What predictions tell about the input."""
    lines = (line(data, look, "mutual_information", "mutual information", index=0),)
    if data.n_classes < 2:
        return line_panel(data, look, lines, ())
    most = math.log(min(data.n_classes, data.record.config.data.batch_size))
    random = min(most, _s_eff(data) ** 2 / (2 * data.dim))
    references = (
        Reference(0.0, "0 = the input is ignored"),
        Reference(random, f"random directions {theme.format_number(random)}"),
        Reference(most, f"at most {theme.format_number(most)} nats"),
    )
    return line_panel(data, look, lines, references)


def margin(data: LiveData, look: Look) -> Panel:
    """Top-1 with the margin off (how runs are scored) and on (as the loss sees it)."""
    lines = (
        line(data, look, "top1", "Top-1", Meaning.TRAINING),
        line(data, look, "top1_margin", "with margin", index=1),
        line(data, look, "beyond_pi_share", "angle + m > 180\u00b0", index=2),
    )
    return line_panel(data, look, lines, (), unit=" %")


def spread(data: LiveData, look: Look) -> Panel:
    """Whether embeddings spread over the sphere or sit on one point."""
    lines = (line(data, look, "collapse_level", "collapse level", index=0),)
    references = (
        Reference(0.0, "spread evenly"),
        Reference(0.3, "mean cosine .5"),
        Reference(0.69, "mean cosine .9"),
        Reference(1.0, "all faces on one point"),
    )
    return line_panel(data, look, lines, references, y_range=(-0.05, 1.2))


def effective_rank(data: LiveData, look: Look) -> Panel:
    """How many directions embeddings use, as they are and without their mean."""
    lines = (
        now_and_then(data, look, "effective_rank", "as they are", index=0),
        now_and_then(data, look, "effective_rank_centred", "mean removed", index=1),
    )
    most = min(_RANK_SAMPLE, data.dim)
    references = (Reference(1.0, "1 = one direction"), Reference(float(most), f"at most {most}"))
    return line_panel(data, look, lines, references)


def uniformity(data: LiveData, look: Look) -> Panel:
    """Alignment of the same person and uniformity over all pairs (Wang and Isola 2020)."""
    text = "Mean squared distance of two faces of one person; 0 = the same point, 2 = unrelated."
    style = Style("alignment, same person", text, Meaning.SAME_PERSON, sparse=True)
    low, high = (dict(side) for side in (data.sparse.low, data.sparse.high))
    if "val_cos_same" in low:
        low["alignment"], high["alignment"] = 2 - 2 * high["val_cos_same"], 2 - 2 * low["val_cos_same"]
    distances = curve(replace(data.sparse, low=low, high=high), "alignment", style, look.axis)
    lines = (now_and_then(data, look, "uniformity", "uniformity", index=0), distances)
    even = 8 / data.dim - 4
    references = (
        Reference(0.0, "0 = one point"),
        Reference(even, f"uniformity, spread evenly {theme.format_number(even)}"),
    )
    return line_panel(data, look, lines, references, from_zero=False)


def d_prime(data: LiveData, look: Look) -> Panel:
    """How far the same person's cosines lie above different people's."""
    lines = (now_and_then(data, look, "val_d_prime", "d'", Meaning.VALIDATION),)
    return line_panel(data, look, lines, (Reference(0.0, "no identity information"),))


def embedding_norm(data: LiveData, look: Look) -> Panel:
    """Length before normalisation."""
    return line_panel(data, look, (line(data, look, "emb_norm", "mean length", index=0),), ())


def class_cosines(data: LiveData, look: Look) -> Panel:
    """How near faces are to their own class weight, and to all others."""
    lines = (
        line(data, look, "cos_target", "own class", Meaning.SAME_PERSON),
        line(data, look, "cos_nontarget", "other classes", Meaning.DIFFERENT_PEOPLE),
    )
    return line_panel(data, look, lines, (Reference(0.0, "unrelated"),), from_zero=False)


def class_weights(data: LiveData, look: Look) -> Panel:
    """Whether class weights have merged."""
    lines = (
        now_and_then(data, look, "head_cos_mean", "mean of all pairs", index=0),
        now_and_then(data, look, "head_cos_max", "nearest pair", index=1),
    )
    references = (Reference(0.0, "unrelated"), Reference(1.0, "merged"))
    return line_panel(data, look, lines, references, from_zero=False)


def scale(data: LiveData, look: Look) -> Panel:
    """s / T in force, beside what papers would take for so many classes."""
    text = "Scale over temperature: only this ratio acts."
    low, high = (dict(side) for side in (data.view.low, data.view.high))
    if "scale" in low and "temperature" in low:
        low["s_eff"], high["s_eff"] = low["scale"] / high["temperature"], high["scale"] / low["temperature"]
    ratio = curve(replace(data.view, low=low, high=high), "s_eff", Style("s / T", text), look.axis)
    classes = data.n_classes
    references = (
        (
            Reference(adacos_scale(classes), f"AdaCos {theme.format_number(adacos_scale(classes))}"),
            Reference(cosface_scale_bound(classes, _LIKELY), f"CosFace, for {theme.format_percent(_LIKELY)}"),
        )
        if classes > 2
        else ()
    )
    return line_panel(data, look, (ratio,), references)


def update_ratios(data: LiveData, look: Look) -> Panel:
    """How far a step moves each group of weights, relative to its length."""
    lines = (
        now_and_then(data, look, "update_ratio_head", "head", index=0),
        now_and_then(data, look, "update_ratio_backbone", "backbone", index=1),
    )
    return line_panel(data, look, lines, (Reference(_TOO_HOT, "too hot for a backbone"),), log_y=True)


def unchanged(data: LiveData, look: Look) -> Panel:
    """How much of each group a step leaves exactly as it was."""
    lines = (
        now_and_then(data, look, "unchanged_head", "head", index=0),
        now_and_then(data, look, "unchanged_backbone", "backbone", index=1),
    )
    return line_panel(data, look, lines, (Reference(100.0, "not trained"),), unit=" %")


def learning_rates(data: LiveData, look: Look) -> Panel:
    """As each step used them."""
    lines = (
        line(data, look, "lr_head", "head", index=0),
        line(data, look, "lr_backbone", "backbone", index=1),
    )
    return line_panel(data, look, lines, (), log_y=True)


def pull(data: LiveData, look: Look) -> Panel:
    """The SR/HR term and its part of the pull at the embeddings."""
    lines = (
        line(data, look, "loss_contrastive", "1 - cos(SR, HR)", index=0),
        now_and_then(data, look, "contrastive_gradient_share", "share of the pull, %", index=1),
    )
    return line_panel(data, look, lines, ())


def mixed_precision(data: LiveData, look: Look) -> Panel:
    """Factor of the loss under mixed precision."""
    lines = (now_and_then(data, look, "amp_scale", "factor", index=0),)
    return line_panel(data, look, lines, (Reference(1.0, "below 1: overflows at every step"),), log_y=True)


def speed(data: LiveData, look: Look) -> Panel:
    """Images per second; memory below."""
    lines = (line(data, look, "images_per_s", "images/s", index=0),)
    memory = (line(data, look, "device_memory_mib", "memory, MiB", index=1),)
    return line_panel(data, look, lines, (), lower=memory, lower_title="MiB")


def _s_eff(data: LiveData) -> float:
    return effective_scale(data.scale, data.temperature)


GROUPS: Final[tuple[Group, ...]] = (
    Group(
        "predictions",
        "Predictions: largest class, classes predicted, probabilities, mutual information, margin off and on",
        (
            Slot(
                "largest", "Largest class", ("max_class_share", "label_max_share", "val_max_class_share"),
                largest_class,
            ),
            Slot(
                "classes", "Classes predicted",
                ("effective_classes", "unique_classes", "val_effective_classes"), classes_predicted,
            ),
            Slot(
                "probabilities", "Probabilities", ("prob_top_mean", "prob_top_max", "saturated_share"),
                probabilities,
            ),
            Slot("information", "Mutual information", ("mutual_information",), mutual_information),
            Slot("margin", "Margin off and on", ("top1", "top1_margin", "beyond_pi_share"), margin),
        ),
    ),
    Group(
        "embeddings",
        "Embeddings: spread, effective rank, alignment and uniformity, d', length",
        (
            Slot("spread", "Embedding spread", ("collapse_level",), spread),
            Slot("rank", "Effective rank", ("effective_rank", "effective_rank_centred"), effective_rank),
            Slot("uniformity", "Alignment, uniformity", ("uniformity", "val_cos_same"), uniformity),
            Slot("d_prime", "Same from different, d'", ("val_d_prime",), d_prime),
            Slot("norm", "Embedding length", ("emb_norm",), embedding_norm),
        ),
    ),
    Group(
        "head",
        "Head: cosines to classes, class weights, s / T",
        (
            Slot("class_cosines", "Cosines to classes", ("cos_target", "cos_nontarget"), class_cosines),
            Slot("weights", "Class weights, cosines", ("head_cos_mean", "head_cos_max"), class_weights),
            Slot("scale", "Scale over temperature", ("scale", "temperature"), scale),
        ),
    ),
    Group(
        "steps",
        "Steps: update ratios, unchanged weights, learning rates, SR/HR term, speed",
        (
            Slot("updates", "Update ratios", ("update_ratio_head", "update_ratio_backbone"), update_ratios),
            Slot("unchanged", "Unchanged by a step", ("unchanged_head", "unchanged_backbone"), unchanged),
            Slot("rates", "Learning rates", ("lr_head", "lr_backbone"), learning_rates),
            Slot("pull", "SR/HR term", ("loss_contrastive", "contrastive_gradient_share"), pull),
            Slot("amp", "Mixed precision", ("amp_scale",), mixed_precision, optional=True),
            Slot("speed", "Speed and memory", ("images_per_s", "device_memory_mib"), speed),
        ),
    ),
)  # fmt: skip
"""Below the first charts; a further chart is a further line."""
