"""The status line: what the run does, how far it is, how long still."""

from __future__ import annotations

from typing import Final

import streamlit as st

from edgeft_core.figures import theme
from edgeft_core.jobs.liveness import reconcile
from edgeft_core.jobs.states import ACTIVE, RunState
from edgeft_core.store.contract import RunRecord
from ui import state
from ui.messages import calmly, escape

_EVERY_S: Final = 1.0

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


def status_line(run_id: str, drawn_for: RunState) -> None:
    """State, stage, epoch, progress, rate and remaining time, kept up to date.

    Args:
        drawn_for: the state for which the rest of the page is drawn; the page runs again when it changes.
    """
    with st.container(key="status"):
        st.fragment(_draw, run_every=_EVERY_S)(run_id, drawn_for)


def _draw(run_id: str, drawn_for: RunState) -> None:
    with calmly():
        reconcile(state.home())
        record = state.catalog().run(run_id)
        if record.state is not drawn_for:
            st.rerun()
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(" &nbsp; ".join(status_words(record)), width="content")
            waiting = preparation(record)
            share = waiting[0] if waiting else progress(record)
            if share is not None:
                st.progress(share, width=120)
            words = waiting[1] if waiting else progress_words(record)
            st.markdown(f":gray[{' &nbsp; '.join(words)}]" if words else "", width="content")


def preparation(record: RunRecord) -> tuple[float | None, list[str]] | None:
    """What a run does that is no step (drawing, embedding, validating): share done and words; None if nothing."""
    doing = record.summary.get("progress")
    if record.state not in ACTIVE or not doing:
        return None
    done, total = int(doing.get("done") or 0), int(doing.get("total") or 0)
    if not total:
        return None, [escape(str(doing["what"]))]
    return min(1.0, done / total), [
        escape(str(doing["what"])), f"{theme.format_count(done)} of {theme.format_count(total)}",
    ]  # fmt: skip


def progress(record: RunRecord) -> float | None:
    """Share of all steps that are done; None before anything is known."""
    total = int(record.summary.get("steps_total") or 0)
    if not total:
        return None
    return min(1.0, int(record.summary.get("step") or 0) / total)


def status_words(record: RunRecord) -> list[str]:
    """``["running", "stage 1/2", "epoch 3/10"]``."""
    words = [_DOTS[record.state]]
    stage = record.summary.get("stage")
    stages = record.config.stages
    if stage is not None and record.state in ACTIVE and 0 <= int(stage) < len(stages):
        words.append(f"stage {int(stage) + 1}/{len(stages)}")
        epochs = stages[int(stage)].epochs
        epoch = min(epochs, int(float(record.summary.get("epoch") or 0)) + 1)
        words.append(f"epoch {epoch}/{epochs}")
    return words


def progress_words(record: RunRecord) -> list[str]:
    """``["62 %", "step 640 of 1 030", "412 img/s", "ETA 1:20"]``."""
    summary = record.summary
    share = progress(record)
    if share is None:
        return []
    done, total = (theme.format_count(int(summary.get(name) or 0)) for name in ("step", "steps_total"))
    words = [f"{100 * share:.0f} %", f"step {done} of {total}"]
    if record.state is RunState.RUNNING:
        if summary.get("images_per_s"):
            words.append(f"{theme.format_number(float(summary['images_per_s']))} img/s")
        if summary.get("eta_s") is not None:
            of = " of this stage" if summary.get("eta_scope") == "stage" else ""
            words.append(f"ETA{of} {theme.format_duration(float(summary['eta_s']))}")
    return words
