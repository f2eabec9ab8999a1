"""A run's vital numbers, smoothed over the latest images. Counted in images, so that batch size does not matter."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgeft_core.diagnostics import thresholds as limit
from edgeft_core.diagnostics.chance import max_share_chance, top_k_band, top_k_chance
from edgeft_core.diagnostics.theory import effective_scale, random_logit_std

SMOOTHED = (
    "loss",
    "cos_different",
    "collapse_level",
    "mutual_information",
    "logit_std_samples",
    "logit_std_classes",
    "cos_target",
    "cos_nontarget",
)
"""Signals of single batches that are averaged; the others come from the window of predictions already."""


@dataclass(frozen=True)
class Shape:
    """What about a run does not change: sizes that say how much evidence one step is.

    Attributes:
        window_images: size of the window of predictions.
        label_classes: exp(entropy) of the training labels, C where all people have equally many images.
    """

    n_classes: int
    embedding_dim: int
    batch_size: int
    window_images: int
    steps_per_epoch: int
    label_classes: float = math.inf

    @property
    def window_steps(self) -> int:
        """Steps that fill the window."""
        return max(1, math.ceil(self.window_images / self.batch_size))


@dataclass(frozen=True)
class Reading:
    """The run's vital numbers at one check; NaN where a signal is missing.

    Attributes:
        images: predictions in the window.
        gap: (cos_y - cos_other) in standard deviations of one face's cosines: 0 = nothing learned. It moves long
            before Top-k leaves chance.
        s_eff: s / T in force.
        cos_now: mean cosine of different people since the last check: a backbone can collapse within a window.
        centred: whether the head subtracts the mean embedding, so that a shared direction does not reach it.
    """

    step: int
    shape: Shape
    images: int
    top1: float
    top5: float
    max_share: float
    label_share: float
    effective_classes: float
    loss: float
    cos_different: float
    collapse_level: float
    mutual_information: float
    std_samples: float
    gap: float
    s_eff: float
    centred: bool = False
    cos_now: float = math.nan

    @property
    def skewed(self) -> bool:
        """Whether the most frequent label is more frequent than an even draw explains."""
        return self.label_share > max_share_chance(self.shape.n_classes, max(1, self.images))

    @property
    def top1_chance(self) -> float:
        """Expected Top-1 of guessing; of always guessing the most frequent label where labels are skewed."""
        even = top_k_chance(1, self.shape.n_classes)
        return max(even, self.label_share) if self.skewed else even

    @property
    def top1_high(self) -> float:
        """Upper end of the band in which guessing's Top-1 falls over this window."""
        if not self.skewed:
            return top_k_band(1, self.shape.n_classes, max(1, self.images))[1]
        spread = math.sqrt(self.label_share * (1.0 - self.label_share) / max(1, self.images))
        return min(1.0, self.label_share + limit.BAND_DEVIATIONS * spread)

    @property
    def top5_high(self) -> float:
        """Upper end of the band in which guessing's Top-5 falls over this window."""
        return top_k_band(min(5, self.shape.n_classes), self.shape.n_classes, max(1, self.images))[1]

    @property
    def above_chance(self) -> bool:
        """Whether the window's Top-1 or Top-5 is more than guessing can explain."""
        return self.top1 > self.top1_high or (self.top5_tells and self.top5 > self.top5_high)

    @property
    def top5_tells(self) -> bool:
        """Whether Top-5 says more than Top-1: not for few classes, nor where five frequent labels are always a hit."""
        return self.shape.n_classes > 5 and not self.skewed

    @property
    def share_reference(self) -> float:
        """Largest class share that labels or guessing explain."""
        return min(1.0, max(max_share_chance(self.shape.n_classes, max(1, self.images)), self.label_share))

    @property
    def excess(self) -> float:
        """The largest class' share beyond that, as a part of what is left: 0 explained, 1 all on one class."""
        reference = self.share_reference
        return max(0.0, (self.max_share - reference) / (1.0 - reference)) if reference < 1.0 else 0.0

    @property
    def class_reference(self) -> float:
        """Classes that guessing would show among so many images, K (1 - (1 - 1/K)^N) of K effective labels."""
        n_classes = max(2.0, min(float(self.shape.n_classes), self.shape.label_classes))
        return n_classes * -math.expm1(max(1, self.images) * math.log1p(-1.0 / n_classes))

    @property
    def std_reference(self) -> float:
        """Logit deviation of random directions, s / (T sqrt d)."""
        return random_logit_std(self.s_eff, self.shape.embedding_dim)

    @property
    def information_reference(self) -> float:
        """Mutual information of random directions: half the logits' variance, at most half of what a batch can hold."""
        most = 0.5 * math.log(max(2, min(self.shape.batch_size, self.shape.n_classes)))
        return min(0.5 * self.std_reference**2, most)

    @property
    def top5_chance(self) -> float:
        """Expected Top-5 of guessing."""
        return top_k_chance(5, self.shape.n_classes)


class Vitals:
    """Averages of a run's per-batch signals, weighted by images and forgetting over half a window."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._sums: dict[str, float] = {}
        self._weights: dict[str, float] = {}
        self._since_check = 0
        self._newest: list[float] = []
        self._keep = math.exp(-shape.batch_size / (0.5 * shape.window_images))

    def add(self, scalars: Mapping[str, float]) -> bool:
        """Take in one batch; whether the next check is due."""
        size = self._shape.batch_size
        for name in SMOOTHED:
            value = scalars.get(name)
            if value is not None and math.isfinite(value):
                self._sums[name] = self._sums.get(name, 0.0) * self._keep + value * size
                self._weights[name] = self._weights.get(name, 0.0) * self._keep + size
        if self._since_check == 0:
            self._newest = []
        self._newest.append(scalars.get("cos_different", math.nan))
        self._since_check += size
        due = self._since_check >= limit.CHECK_SHARE_OF_WINDOW * self._shape.window_images
        if due:
            self._since_check = 0
        return due

    def mean(self, name: str) -> float:
        """The smoothed value; NaN before the first."""
        weight = self._weights.get(name, 0.0)
        return self._sums[name] / weight if weight else math.nan

    def forget(self, *names: str) -> None:
        """Start the average of some signals anew: a setting changed what they mean."""
        for name in names:
            self._sums.pop(name, None)
            self._weights.pop(name, None)

    def reading(self, step: int, scalars: Mapping[str, float]) -> Reading:
        """The numbers now; ``scalars`` are the latest batch's, with the window's shares and the settings in force."""
        s_eff = effective_scale(scalars.get("scale", math.nan), scalars.get("temperature", math.nan))
        deviation = self.mean("logit_std_classes") / s_eff
        gap = (self.mean("cos_target") - self.mean("cos_nontarget")) / deviation if deviation else math.nan
        return Reading(
            step=step,
            shape=self._shape,
            images=int(scalars.get("window_images", 0)),
            top1=scalars.get("top1_running", math.nan),
            top5=scalars.get("top5_running", math.nan),
            max_share=scalars.get("max_class_share", math.nan),
            label_share=scalars.get("label_max_share", 0.0),
            effective_classes=scalars.get("effective_classes", math.nan),
            loss=self.mean("loss"),
            cos_different=self.mean("cos_different"),
            collapse_level=self.mean("collapse_level"),
            mutual_information=self.mean("mutual_information"),
            std_samples=self.mean("logit_std_samples"),
            gap=gap,
            s_eff=s_eff,
            centred=bool(scalars.get("centre", 0.0)),
            cos_now=_mean_finite(self._newest),
        )


def _mean_finite(values: Sequence[float]) -> float:
    """Mean of those that are numbers; NaN of none."""
    finite = [one for one in values if math.isfinite(one)]
    return sum(finite) / len(finite) if finite else math.nan
