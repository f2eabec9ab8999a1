"""A sweep's results, kept up to date while it goes."""

from __future__ import annotations

from typing import Final

import streamlit as st

from edgeft_core import queries
from edgeft_core.figures.sweep_measure import MEASURES
from edgeft_core.jobs.states import ENDED
from ui import state
from ui.fragments import fragment
from ui.messages import calmly, empty_state, escape
from ui.sweep.best_panel import best_panel, best_table, parallel_panel
from ui.sweep.choice import Choice, choose
from ui.sweep.edge_panel import edge_panel
from ui.sweep.head_panel import head_panel
from ui.sweep.map_panel import choose_look, sweep_map
from ui.sweep.reading import Reading

_ORDER: Final = {
    True: "by validation Top-1, then Top-5, then loss",
    False: "by Top-1, then Top-5, in training",
}


def results_panel(run_id: str, *, every_s: float | None) -> None:
    """Drawn again every ``every_s`` seconds, never if None."""
    fragment(_draw, every_s=every_s)(run_id)


def _draw(run_id: str) -> None:
    with calmly():
        results = queries.sweep_results(state.home(), run_id)
        newest = results.newest_look()
        if results.table is None or newest < 0:
            _waiting(results)
            return
        has_validation = queries.has_validation(queries.sweep_frame(results))
        choice = choose(results, has_validation=has_validation)
        left, right = st.columns([7, 4], gap="medium")
        with left:
            look = choose_look(run_id, results.table.step_F[: newest + 1].tolist())
            reading = Reading(results, look, choice.images)
            chosen = _clicked(reading, choice)
        with right:
            head_panel(reading, chosen)
            edge_panel(results, reading.step)
        _below(reading, choice)


def _clicked(reading: Reading, choice: Choice) -> int | None:
    """Draw the map; answers the head that was clicked last."""
    key = f"sweep.{reading.results.run.id}.chosen"
    chosen: int | None = st.session_state.get(key)
    clicked = sweep_map(reading, choice, chosen)
    if clicked is not None and clicked != chosen:
        st.session_state[key] = clicked
        st.rerun(scope="fragment")
    return chosen


def _below(reading: Reading, choice: Choice) -> None:
    """All heads as lines, and the best five."""
    results = reading.results
    best = queries.best_heads(queries.sweep_frame(results, step=reading.step))
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**All heads** :gray[each a line through its settings; the best five stand out]")
        parallel_panel(reading, choice, best)
    with right:
        measure = MEASURES[choice.measure].title
        st.markdown(f"**The best five** :gray[{_ORDER[reading.has_validation]}; curves: {measure}]")
        best_panel(reading, choice, best)
        best_table(reading, best)
    st.download_button(
        "All heads at every look (CSV)",
        data=queries.sweep_frame(results, every_look=True).to_csv(index=False),
        file_name=f"{results.run.name}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _waiting(results: queries.SweepResults) -> None:
    """Before the first look, or where there will be none."""
    record = results.run
    if record.state in ENDED:
        why = record.error or f"It is {record.state.value}, and no head was measured."
        empty_state("Nothing was measured", escape(why), icon="grid_off")
        return
    progress = record.summary.get("progress") or {}
    doing = (
        f"{progress['what']}: {progress['done']} of {progress['total']}" if progress else record.state.value
    )
    empty_state(
        "The heads are about to start",
        f"One embedding pass comes first, then all heads train together. Now: {escape(doing)}.",
        icon="hourglass_empty",
    )
