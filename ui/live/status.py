"""The status line: what the run does, how far it is, how long still."""

from __future__ import annotations

from typing import Final

import streamlit as st

from edgeft_core import queries
from edgeft_core.figures import theme
from edgeft_core.jobs.liveness import reconcile
from edgeft_core.jobs.states import ACTIVE, RunState
from ui import state
from ui.fragments import fragment, wake_for_news
from ui.messages import calmly, escape
from ui.now import at_this_moment

# Streamlit's colour names; the theme maps them to the meanings of figures/theme.py.
_DOTS: Final = {
    RunState.QUEUED: ":gray[\u25cb] queued",
    RunState.STARTING: ":blue[\u25d4] starting",
    RunState.RUNNING: ":green[\u25cf] running",
    RunState.PAUSED: ":orange[\u2759\u2759] paused",
    RunState.FINISHED: ":green[\u2713] finished",
    RunState.STOPPED: ":gray[\u25a0] stopped",
    RunState.FAILED: ":red[\u2715] failed",
    RunState.LOST: ":red[?] lost",
}


def status_line(run_id: str, drawn_for: RunState, *, every_s: float) -> None:
    """State, stage, epoch, progress, rate and remaining time, kept up to date.

    Args:
        drawn_for: the state for which the rest of the page is drawn; the page runs again when it changes.
    """
    with st.container(key="status"):
        fragment(_draw, every_s=every_s)(run_id, drawn_for)


def _draw(run_id: str, drawn_for: RunState) -> None:
    with calmly():
        reconcile(state.home())
        status = at_this_moment(queries.run_status, run_id)
        if status.state is not drawn_for:
            st.rerun()
        share, words = preparation(status) or (status.fraction, progress_words(status))
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(" &nbsp; ".join(status_words(status)), width="content")
            if share is not None:
                st.progress(share, width=120)
            st.markdown(f":gray[{' &nbsp; '.join(words)}]" if words else "", width="content")
        wake_for_news()


def preparation(status: queries.RunStatus) -> tuple[float | None, list[str]] | None:
    """What a run does that is no step (drawing, embedding, validating): share done, and words; None if nothing."""
    doing = status.progress
    if status.state not in ACTIVE or not doing:
        return None
    done, total = int(doing.get("done") or 0), int(doing.get("total") or 0)
    words = [escape(str(doing["what"]))]
    if not total:
        return None, words
    return min(1.0, done / total), [*words, f"{theme.format_count(done)} of {theme.format_count(total)}"]


def status_words(status: queries.RunStatus) -> list[str]:
    """``["running", "stage 1/2", "epoch 3/10"]``."""
    words = [_DOTS[status.state]]
    if status.stage is not None and status.state in ACTIVE:
        epoch = min(status.epochs, int(status.epoch) + 1)
        words += [f"stage {status.stage + 1}/{status.stages}", f"epoch {epoch}/{status.epochs}"]
    return words


def progress_words(status: queries.RunStatus) -> list[str]:
    """``["62 %", "step 640 of 1 030", "412 img/s", "ETA 1:20"]``."""
    if status.fraction is None:
        return []
    done, total = theme.format_count(status.step), theme.format_count(status.steps_total)
    words = [f"{100 * status.fraction:.0f} %", f"step {done} of {total}"]
    if status.state is RunState.RUNNING:
        if status.images_per_s:
            words.append(f"{theme.format_number(status.images_per_s)} img/s")
        if status.eta_s is not None:
            of = " of this stage" if status.eta_scope == "stage" else ""
            words.append(f"ETA{of} {theme.format_duration(status.eta_s)}")
    return words
