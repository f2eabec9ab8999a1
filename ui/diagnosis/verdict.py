"""The verdict of a run: what, since when, why, and how it changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from edgeft_core import queries
from edgeft_core.diagnostics.status import Verdict
from edgeft_core.figures import theme
from edgeft_core.figures.timeline import Span, draw_timeline, timeline
from edgeft_core.jobs.states import ENDED
from edgeft_core.queries import VerdictSpan
from ui import state, verdicts
from ui.fragments import fragment
from ui.live_chart import live_chart
from ui.messages import calmly, prose

_HEIGHT_PX: Final = 56
_REASONS: Final = 5


def verdict_panel(run_id: str, *, every_s: float | None) -> None:
    """Drawn again every ``every_s`` seconds, never if None."""
    with st.container(key="diagnosis_verdict"):
        fragment(_draw, every_s=every_s)(run_id)


def _draw(run_id: str) -> None:
    with calmly():
        status = queries.run_status(state.home(), run_id)
        if status.verdict is None:
            st.markdown(":gray[**no verdict yet**]  \nThe first one comes with the first step.")
            return
        st.markdown(heading(status.verdict, status.step, ended=status.state in ENDED))
        spans = queries.verdict_spans(state.home(), run_id, status.step)
        live_chart(
            draw_timeline(timeline([_span(one) for one in spans])),
            key=f"diagnosis.timeline.{run_id}",
            height=_HEIGHT_PX,
            group=None,
            label=f"Verdicts over time: {history_words(spans)}",
            empty="The history begins with the first verdict.",
            clicks=False,
        )
        st.caption(
            "  \n".join(
                f"\u2022 {prose(one[:1].upper() + one[1:])}" for one in status.verdict.reasons[:_REASONS]
            )
        )


def heading(verdict: Verdict, step: int, *, ended: bool = False) -> str:
    """Streamlit markdown: the verdict, since when, what it means."""
    colour, sign = verdicts.colour_of(verdict.status), verdicts.sign_of(verdict.status)
    since, now = theme.format_count(verdict.since_step), theme.format_count(step)
    return (
        f"#### :{colour}[{sign} {verdicts.name_of(verdict.status)}] :{colour}[since step {since}]"
        f" :gray[({'ended' if ended else 'now'} at step {now})]\n{verdicts.SENTENCES[verdict.status]}"
    )


def history_words(spans: Sequence[VerdictSpan]) -> str:
    """``"learning from step 0, collapsed from step 40"``: the timeline for those who cannot see it."""
    return ", ".join(f"{one.status} from step {theme.format_count(one.start)}" for one in spans)


def _span(one: VerdictSpan) -> Span:
    likely = ""
    if one.cause and one.confidence is not None:
        likely = f" Likely cause: {one.cause} ({100 * one.confidence:.0f} %)."
    reason = f"{one.reasons[0]}." if one.reasons else ""
    return Span(one.status, one.start, one.end, verdicts.MEANINGS[one.status], f"{reason}{likely}".strip())
