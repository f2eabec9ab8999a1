"""All that is known about a run, gathered for naming causes. Plain data: loads without torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from edgeft_core.config import RunConfig, StageConfig
from edgeft_core.diagnostics.status import Verdict

Level = Literal["blocking", "warning", "info"]


@dataclass(frozen=True)
class ProbeResult:
    """What one experiment beside the run found. ``docs/diagnosis.md`` lists the values that each probe gives.

    Attributes:
        name: the probe's key in ``diagnostics.probes.PROBES``.
        values: numbers by name; a number that could not be had is left out.
        words: facts that are no numbers, such as the first layer with NaN.
        text: one sentence for people.
        error: why the probe could not run; empty where it did.
        step: step of the weights that were looked at.
    """

    name: str
    values: Mapping[str, float] = field(default_factory=dict)
    text: str = ""
    took_s: float = 0.0
    error: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    step: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON; NaN and infinity are left out."""
        return {
            "name": self.name,
            "values": {key: value for key, value in self.values.items() if math.isfinite(value)},
            "text": self.text,
            "took_s": self.took_s,
            "error": self.error,
            "words": dict(self.words),
            "step": self.step,
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> ProbeResult:
        """The reverse of :meth:`as_dict`; unknown keys are ignored, so that newer files can be read."""
        return ProbeResult(
            name=str(data["name"]),
            values={str(key): float(value) for key, value in dict(data.get("values") or {}).items()},
            text=str(data.get("text") or ""),
            took_s=float(data.get("took_s") or 0.0),
            error=str(data.get("error") or ""),
            words={str(key): str(value) for key, value in dict(data.get("words") or {}).items()},
            step=int(data.get("step") or 0),
        )


@dataclass(frozen=True)
class Finding:
    """One thing that a check before training noticed.

    Attributes:
        check: the check's key, such as ``data.duplicates``.
        level: a blocking finding is asked about before the run starts.
        text: what was seen (with numbers), what it means, what to do.
        cause: the cause that it points at, a key of ``diagnostics.causes.CAUSES``; empty for none.
        values: numbers behind it.
        examples: a few items, files or keys that show it.
        fix: settings that would mend it.
    """

    check: str
    level: Level
    text: str
    cause: str = ""
    values: Mapping[str, float] = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    fix: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "check": self.check,
            "level": self.level,
            "text": self.text,
            "cause": self.cause,
            "values": {key: value for key, value in self.values.items() if math.isfinite(value)},
            "examples": list(self.examples),
            "fix": dict(self.fix),
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Finding:
        """The reverse of :meth:`as_dict`."""
        level: Level = data["level"] if data["level"] in {"blocking", "warning"} else "info"
        return Finding(
            check=str(data["check"]),
            level=level,
            text=str(data.get("text") or ""),
            cause=str(data.get("cause") or ""),
            values={str(key): float(value) for key, value in dict(data.get("values") or {}).items()},
            examples=tuple(str(one) for one in data.get("examples") or ()),
            fix=dict(data.get("fix") or {}),
        )


@dataclass(frozen=True)
class Tail:
    """Values of one series, oldest first; ``steps`` and ``values`` have equal length."""

    steps: tuple[int, ...] = ()
    values: tuple[float, ...] = ()

    def mean(self, part: slice = slice(None)) -> float:
        """Mean of some of the values, NaN of none."""
        chosen = self.values[part]
        return sum(chosen) / len(chosen) if chosen else math.nan

    def halves(self) -> tuple[float, float]:
        """Means of the older and of the newer half: where is it going?"""
        middle = len(self.values) // 2
        return self.mean(slice(0, middle)), self.mean(slice(middle, None))


@dataclass(frozen=True)
class Case:
    """A run at one moment.

    Attributes:
        config: the settings in force.
        step: the last step, 0 before the first.
        stage: 0-based; stage_step: step before its first one.
        weights: accounting of the weight file (``WeightsReport.as_dict()``).
        label_counts: training images per class; empty before the data was read.
        split_images: images per split.
        first_batch: ``asdict(FirstBatch)``, from before any update; empty before it.
        first: signals of the very first step: the head was random then, so it had no part in them.
        signals: last value of every recorded signal.
        tails: the newest values of some series, of every step.
        trails: the same series over the whole run, thinned.
        window_predicted, window_labels: counts per class among the latest predictions.
        probes: results by probe name.
        findings: of the checks before training.
        error: why the run failed; empty otherwise.
    """

    run: str
    config: RunConfig
    n_classes: int
    step: int = 0
    stage: int = 0
    stage_step: int = 0
    steps_per_epoch: int = 0
    steps_total: int = 0
    weights: Mapping[str, Any] = field(default_factory=dict)
    label_counts: tuple[int, ...] = ()
    split_images: Mapping[str, int] = field(default_factory=dict)
    first_batch: Mapping[str, Any] = field(default_factory=dict)
    first: Mapping[str, float] = field(default_factory=dict)
    signals: Mapping[str, float] = field(default_factory=dict)
    tails: Mapping[str, Tail] = field(default_factory=dict)
    trails: Mapping[str, Tail] = field(default_factory=dict)
    window_predicted: tuple[int, ...] = ()
    window_labels: tuple[int, ...] = ()
    verdict: Verdict = field(default_factory=Verdict)
    probes: Mapping[str, ProbeResult] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    error: str = ""

    @property
    def stage_config(self) -> StageConfig:
        """The current stage's settings in force."""
        return self.config.stages[min(self.stage, len(self.config.stages) - 1)]

    @property
    def stage_key(self) -> str:
        """Prefix of the current stage's settings, ``stages.0.``"""
        return f"stages.{min(self.stage, len(self.config.stages) - 1)}."

    @property
    def chance(self) -> float:
        """Top-1 of guessing; 1 before the classes are known."""
        return 1.0 / max(1, self.n_classes)

    def signal(self, *names: str) -> float | None:
        """The first of these signals that has a finite value."""
        for name in names:
            value = self.signals.get(name)
            if value is not None and math.isfinite(value):
                return value
        return None

    def probe(self, name: str, value: str) -> float | None:
        """One number of a probe that ran; None where it did not run or could not tell."""
        found = self.probes.get(name)
        number = None if found is None or found.error else found.values.get(value)
        return number if number is not None and math.isfinite(number) else None

    def tail(self, name: str) -> Tail:
        """The newest values of a series; empty where there is none."""
        return self.tails.get(name, Tail())

    def trail(self, name: str) -> Tail:
        """A series over the whole run, thinned; empty where there is none."""
        return self.trails.get(name, Tail())

    def in_stage(self, name: str) -> Tail:
        """The part of a trail that belongs to the current stage."""
        trail = self.trail(name)
        inside = [place for place, step in enumerate(trail.steps) if step > self.stage_step]
        return Tail(
            tuple(trail.steps[place] for place in inside), tuple(trail.values[place] for place in inside)
        )

    @property
    def s_eff(self) -> float:
        """s / T in force."""
        return self.config.head.scale / self.config.head.temperature

    def findings_for(self, cause: str) -> Sequence[Finding]:
        """What was noticed before training that points at a cause."""
        return [one for one in self.findings if one.cause == cause]
