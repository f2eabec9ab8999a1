"""The experiments: a button, live progress, and what each one found."""

from __future__ import annotations

from typing import Final

import streamlit as st

from edgeft_core.diagnostics.case import ProbeResult
from edgeft_core.figures import theme
from edgeft_core.jobs.probing import Probing, probing, start_probes
from ui import state
from ui.diagnosis.experiments import EXPERIMENTS, remaining_s, result_rows, share_done
from ui.fragments import fragment
from ui.messages import calmly, escape, prose

_POLL_S: Final = 0.7


def probes_panel(run_id: str) -> None:
    """Polls while the experiments run; the page is drawn anew when they are done, for causes read them."""
    st.markdown(
        "##### Experiments",
        help="Small experiments on this run's own images and its last checkpoint, in a process of their own. They "
        "never change the run, and the causes read what they find.",
    )
    running = probing(state.home(), run_id).running
    fragment(_draw, every_s=_POLL_S if running else None)(run_id, running)


def _draw(run_id: str, drawn_running: bool) -> None:
    with calmly():
        told = probing(state.home(), run_id)
        if told.running is not drawn_running:
            st.rerun()
        with st.container(key="probes_state"):
            if told.running:
                _progress(told)
            else:
                _offer(run_id, told)
        for name in EXPERIMENTS:
            if name in told.results:
                _result(told.results[name])


def _progress(told: Probing) -> None:
    left = theme.format_duration(remaining_s(told.done, told.elapsed_s))
    count = f"{told.done} of {told.total or len(EXPERIMENTS)} done"
    st.progress(
        share_done(told.done),
        text=f"{escape(told.what or 'Starting')} \u00b7 {count} \u00b7 about {left} left",
    )
    st.caption("They run beside the training, at low priority.")


def _offer(run_id: str, told: Probing) -> None:
    if told.error:
        st.error(escape(told.error), icon=":material/error:")
    again = bool(told.results)
    words = "Run the experiments again" if again else "Run the experiments"
    if st.button(
        words, icon=":material/science:", type="secondary" if again else "primary", key="probes.run"
    ):
        start_probes(state.home(), run_id)
        st.rerun()
    if again:
        step = max(one.step for one in told.results.values())
        took = sum(one.took_s for one in told.results.values())
        st.caption(f"On the weights of step {theme.format_count(step)}; took {theme.format_duration(took)}.")
    else:
        st.caption(
            f"{len(EXPERIMENTS)} experiments, about half a minute: they make the causes surer, or rule them out. The "
            "run is not changed."
        )


def _result(result: ProbeResult) -> None:
    """A question and its answer; the numbers are a click away."""
    rows = result_rows(result)
    with st.container(key=f"probe_{result.name}", gap=None):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{escape(EXPERIMENTS[result.name].question)}**")
            if rows and not result.error:
                with st.popover("numbers", type="tertiary", key=f"probe.numbers.{result.name}"):
                    st.table(rows, border="horizontal", hide_index=True)
        if result.error:
            st.markdown(f":orange[\u25b2 Could not run.] {escape(result.error)}")
        else:
            st.markdown(prose(result.text))
