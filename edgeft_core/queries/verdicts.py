"""How a run's verdict changed, as spans from step to step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from edgeft_core.diagnostics.status import STATUSES, Status
from edgeft_core.queries.events import whole_history
from edgeft_core.queries.opened import catalog_of
from edgeft_core.settings import Home
from edgeft_core.store.contract import HistoryRecord


@dataclass(frozen=True)
class VerdictSpan:
    """A verdict and how long it held.

    Attributes:
        start, end: its first step and the one where the next verdict began (or the last step so far).
        reasons: what was seen when it was given.
        cause, confidence: the likeliest cause then; empty and None where there was none.
    """

    status: Status
    start: int
    end: int
    reasons: tuple[str, ...] = ()
    cause: str = ""
    confidence: float | None = None


def verdict_spans(home: Home, run_id: str, last_step: int) -> list[VerdictSpan]:
    """From the first verdict to ``last_step``; neighbours of the same status are one span.

    Raises:
        UnknownRunError: no such run.
    """
    run = catalog_of(home).run(run_id)
    told = [_span(one) for one in whole_history(home, run.id) if one.kind == "verdict"]
    spans: list[VerdictSpan] = []
    for one in told:
        # What a resumed run says again, or earlier than what was said before, replaces that.
        while spans and spans[-1].start >= one.start:
            spans.pop()
        if not spans or spans[-1].status != one.status:
            spans.append(one)
    ends = [following.start for _, following in pairwise(spans)] + [last_step]
    return (
        [replace(one, end=max(one.start, end)) for one, end in zip(spans, ends, strict=True)] if spans else []
    )


def _span(record: HistoryRecord) -> VerdictSpan:
    status: Status = next((one for one in STATUSES if one == record.text), "learning")
    confidence = record.data.get("confidence")
    return VerdictSpan(
        status,
        record.step,
        record.step,
        tuple(str(one) for one in record.data.get("reasons") or ()),
        str(record.data.get("cause") or ""),
        None if confidence is None else float(confidence),
    )
