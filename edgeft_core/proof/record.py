"""What a proof found, as it is kept with the run. Plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

Outcome = Literal["verified", "no_effect", "worse", "could_not_run"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
StartKind = Literal["checkpoint", "before_trouble", "beginning"]

VERSION = 1
"""Raised when the meaning of a stored field changes; fields may be added without."""

OWN_CHANGES = "custom"
"""Stands for the cause of a proof of changes that somebody chose."""


@dataclass(frozen=True)
class Remedy:
    """What is to be tried.

    Attributes:
        cause: the cause that it is the fix of, a key of ``diagnostics.causes.CAUSES``, or ``custom``.
        live: settings that can change while the run goes.
        restart: settings that need a new run, or a fork.
        rewind: whether to go back to a checkpoint from before the trouble.
    """

    cause: str = OWN_CHANGES
    live: Mapping[str, Any] = field(default_factory=dict)
    restart: Mapping[str, Any] = field(default_factory=dict)
    rewind: bool = False

    @property
    def changes(self) -> dict[str, Any]:
        """All of them."""
        return {**self.restart, **self.live}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Remedy:
        return Remedy(
            str(data.get("cause") or OWN_CHANGES),
            dict(data.get("live") or {}),
            dict(data.get("restart") or {}),
            bool(data.get("rewind")),
        )


@dataclass(frozen=True)
class Twin:
    """One of the two.

    Attributes:
        steps_P: steps since the start of the trial; P points.
        series: signal -> value at each point; None where it was not measured there.
        measured: signal -> value at the end. ``top1``, ``top5``, ``max_class_share`` and ``effective_classes`` are of
            the latest ``window_images`` training predictions, ``val_*`` of ``val_images`` images never trained on.
        broke: why it could not go on to the end; empty where it did.
    """

    steps_P: tuple[int, ...] = ()
    series: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    measured: Mapping[str, float] = field(default_factory=dict)
    broke: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "steps": list(self.steps_P),
            "series": {name: [_finite(value) for value in values] for name, values in self.series.items()},
            "measured": {name: value for name, value in self.measured.items() if math.isfinite(value)},
            "broke": self.broke,
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Twin:
        return Twin(
            tuple(int(one) for one in data.get("steps") or ()),
            {
                str(name): tuple(None if value is None else float(value) for value in values)
                for name, values in dict(data.get("series") or {}).items()
            },
            {str(name): float(value) for name, value in dict(data.get("measured") or {}).items()},
            str(data.get("broke") or ""),
        )


@dataclass(frozen=True)
class Proof:
    """A fix, tried.

    Attributes:
        sentence: what came of it, with numbers.
        reasons: what decided, in sentences.
        start: what the twins started from; ``start_step`` of that checkpoint, ``start_text`` in words.
        steps: that each of them took.
        notes: what was sampled or left out, in sentences.
        run_step: how far the run was; took_s: how long the trial took; at: when it ended (ISO, UTC).
    """

    remedy: Remedy
    outcome: Outcome
    sentence: str
    reasons: tuple[str, ...] = ()
    start: StartKind = "checkpoint"
    start_step: int = 0
    start_text: str = ""
    steps: int = 0
    n_classes: int = 0
    without: Twin = field(default_factory=Twin)
    with_fix: Twin = field(default_factory=Twin)
    notes: tuple[str, ...] = ()
    run_step: int = 0
    took_s: float = 0.0
    at: str = ""
    version: int = VERSION

    @property
    def cause(self) -> str:
        return self.remedy.cause

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "cause": self.cause,
            "remedy": asdict(self.remedy),
            "reasons": list(self.reasons),
            "notes": list(self.notes),
            "without": self.without.as_dict(),
            "with_fix": self.with_fix.as_dict(),
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Proof:
        """The reverse of :meth:`as_dict`; unknown keys are ignored, so that newer files can be read.

        Raises:
            KeyError, TypeError, ValueError: it is no proof.
        """
        outcome: Outcome = data["outcome"] if data["outcome"] in OUTCOMES else "could_not_run"
        start: StartKind = data["start"] if data.get("start") in get_args(StartKind) else "checkpoint"
        return Proof(
            remedy=Remedy.from_dict(data["remedy"]),
            outcome=outcome,
            sentence=str(data["sentence"]),
            reasons=tuple(str(one) for one in data.get("reasons") or ()),
            start=start,
            start_step=int(data.get("start_step") or 0),
            start_text=str(data.get("start_text") or ""),
            steps=int(data.get("steps") or 0),
            n_classes=int(data.get("n_classes") or 0),
            without=Twin.from_dict(data.get("without") or {}),
            with_fix=Twin.from_dict(data.get("with_fix") or {}),
            notes=tuple(str(one) for one in data.get("notes") or ()),
            run_step=int(data.get("run_step") or 0),
            took_s=float(data.get("took_s") or 0.0),
            at=str(data.get("at") or ""),
            version=int(data.get("version") or VERSION),
        )


_PLAIN = (
    *("version", "outcome", "sentence", "start", "start_step", "start_text"),
    *("steps", "n_classes", "run_step", "took_s", "at"),
)


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
