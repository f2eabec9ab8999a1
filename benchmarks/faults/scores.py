"""From rows of trials to figures."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.faults.trial import LIKELY, NOTED, Row

STEPS_PROMISED, SECONDS_PROMISED = 300, 30.0
BAD = frozenset({"collapsed", "stalled", "diverged"})

Look = Callable[[Row], list[list[float | str]]]
LOOKS: dict[str, Look] = {
    "at the first alarm, from the run alone": lambda row: row["run"]["alarm_causes"],
    "at the end, from the run alone": lambda row: row["run"]["end_causes"],
    "at the end, with the checks before training": lambda row: row["with_preflight"]["end_causes"],
    "at the end, with those and the probes": lambda row: (
        row["with_probes"] or row["with_preflight"]["end_causes"]
    ),
}
"""Moments at which somebody may ask what is wrong."""

FULL = "at the end, with those and the probes"


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        return self.hits / self.of if self.of else math.nan

    def __str__(self) -> str:
        return f"{self.hits} of {self.of} ({self.value:.1%})" if self.of else "-"


def share(rows: Sequence[Row], holds: Callable[[Row], bool]) -> Share:
    return Share(sum(map(holds, rows)), len(rows))


def faults(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["group"] == "fault"]


def healthy(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["group"] == "healthy"]


def named(row: Row, look: Look) -> str:
    """The cause that is told as the answer; empty where none is likely."""
    first = next(iter(look(row)), None)
    return str(first[0]) if first and float(first[1]) >= LIKELY else ""


def told_first(row: Row, look: Look) -> str:
    """The cause that a page shows first, beside how sure it is; empty where none is worth a card."""
    first = next(iter(look(row)), None)
    if first is None or first[0] == "early" or float(first[1]) < NOTED:
        return ""
    return str(first[0]) if float(first[1]) >= LIKELY else f"{first[0]} as a note"


def noted(row: Row) -> bool:
    """No alarm and no likely cause, but the right one as a note."""
    told = row["run"]["end_causes"][:1]
    first = told[0] if told else ("", 0.0)
    return not detected(row) and first[0] in row["right"] and float(first[1]) >= NOTED


def right_first(row: Row, look: Look) -> bool:
    return any(str(one[0]) in row["right"] for one in look(row)[:1])


def right_in_three(row: Row, look: Look) -> bool:
    return any(str(one[0]) in row["right"] for one in look(row)[:3])


def alarmed(row: Row, source: str = "run") -> bool:
    """Whether a verdict said that something is wrong, or the run could not start or go on and said why."""
    return bool(row[source]["alarm"]) or bool(row["error"])


def detected(row: Row, source: str = "run") -> bool:
    """An alarm, or a cause other than time that is told as likely."""
    told = named(row, lambda one: one[source]["end_causes"])
    return alarmed(row, source) or told not in {"", "early"}


def warned(row: Row) -> bool:
    """Whether the checks before training pointed at a right cause."""
    return any(cause in row["right"] for _, _, cause in row["findings"])


def in_time(row: Row) -> bool:
    """Within what is promised: of the runs that raise an alarm."""
    step, seconds = row["run"]["alarm_step"], row["run"]["alarm_s"]
    return step is None or step <= STEPS_PROMISED or (seconds or 0.0) <= SECONDS_PROMISED


def false_alarm(row: Row, source: str = "run") -> bool:
    """A healthy run of which something bad was said, at any time."""
    return detected(row, source)


def bad_verdict(row: Row) -> bool:
    return any(status in BAD for _, status in row["run"]["verdicts"])


def steps_to_alarm(rows: Sequence[Row]) -> list[float]:
    return [float(row["run"]["alarm_step"]) for row in rows if row["run"]["alarm_step"] is not None]


def seconds_to_alarm(rows: Sequence[Row]) -> list[float]:
    return [float(row["run"]["alarm_s"]) for row in rows if row["run"]["alarm_s"] is not None]


def quantiles(values: Sequence[float]) -> str:
    """Median, ninth decile and largest."""
    if not values:
        return "-"
    ordered = sorted(values)
    high = ordered[min(len(ordered) - 1, math.ceil(0.9 * len(ordered)) - 1)]
    return f"median {statistics.median(ordered):g}, 90 % within {high:g}, at most {ordered[-1]:g}"


def confusion(rows: Sequence[Row], look: Look) -> dict[str, Counter[str]]:
    """Injected cause -> how often each cause was told first."""
    table: dict[str, Counter[str]] = {}
    for row in rows:
        injected = row["right"][0] or "(healthy)"
        table.setdefault(injected, Counter())[told_first(row, look) or "(none)"] += 1
    return table


def recovered(rows: Sequence[Row], kinds: Sequence[str]) -> Share:
    """Of fixes of these kinds, those after which the same rules find nothing wrong."""
    tried = [row for row in rows if row.get("fix", {}).get("kind") in kinds]
    return share(tried, lambda row: bool(row["fix"]["recovered"]))
