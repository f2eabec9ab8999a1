"""The check of the form before training: starts by itself once the form rests, in a process of its own."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import streamlit as st

from edgeft_core.config import RunConfig
from edgeft_core.errors import EdgeFTError
from edgeft_core.jobs.preflighting import PreflightProcess, PreflightProgress, start_preflight
from edgeft_core.preflight.kept import kept_report
from edgeft_core.settings import Home
from ui import state
from ui.fragments import fragment
from ui.launch.findings import checking, findings, summary
from ui.messages import calmly, escape

_KEY: Final = "launch.check"
_REST_S: Final = 1.5  # a hand on a slider makes many forms; only the one that it leaves is checked
_POLL_S: Final = 0.5
_RESTING: Final = PreflightProgress(running=True, what="waits until the form rests")


@dataclass
class Check:
    """The check of one form.

    Attributes:
        asked_at: when the form became what it is, on the monotonic clock.
        told: how far it is.
    """

    config: RunConfig
    asked_at: float
    process: PreflightProcess | None = None
    told: PreflightProgress = _RESTING

    @property
    def blocks(self) -> bool:
        """Whether a start should be asked about."""
        return self.told.report is not None and bool(self.told.report.blocking)

    def look(self, home: Home) -> None:
        """Start the process when it is time, and hear how far it is."""
        try:
            if self.process is None and time.monotonic() - self.asked_at >= _REST_S:
                self.process = start_preflight(home, self.config)
            if self.process is not None:
                self.told = self.process.poll()
        except EdgeFTError as error:
            self.told = PreflightProgress(running=False, error=str(error))

    def stop(self) -> None:
        """Nobody waits for the answer any more."""
        if self.process is not None:
            self.process.stop()


def check_of(config: RunConfig) -> Check:
    """The check of this form; a new one where the form has changed, with the answer at once if it is known."""
    known: Check | None = st.session_state.get(_KEY)
    if known is not None and known.config == config:
        return known
    if known is not None:
        known.stop()
    found = Check(config, time.monotonic())
    if (report := kept_report(state.home().cache, config)) is not None:
        found.told = PreflightProgress(running=False, report=report)
    st.session_state[_KEY] = found
    return found


def check_panel(check: Check, preset: str) -> None:
    """Progress, then findings. The page is drawn anew when the answer is there, for Start depends on it."""
    with st.container(key="preflight"):
        running = check.told.running
        fragment(_draw, every_s=_POLL_S if running else None)(check, preset, running)


def _draw(check: Check, preset: str, drawn_running: bool) -> None:
    with calmly():
        if check.told.running:
            check.look(state.home())
        if check.told.running is not drawn_running:
            st.rerun()
        if check.told.running:
            checking(check.told)
            if check.told.report:  # what needs no network is known early
                findings(check.told.report, check.config, preset)
            return
        if check.told.error:
            st.caption(f":orange[\u25b2] The check could not be made: {escape(check.told.error)}")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(summary(check.told.report) if check.told.report else "", width="stretch")
            _again(check)
        if check.told.report:
            findings(check.told.report, check.config, preset)


def _again(check: Check) -> None:
    if st.button("Check again", type="tertiary", icon=":material/refresh:", key="launch.check_again"):
        process = start_preflight(state.home(), check.config, fresh=True)
        st.session_state[_KEY] = Check(check.config, time.monotonic(), process)
        st.rerun()
