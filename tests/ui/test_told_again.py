"""Widgets whose values a browser tells once more, though nobody touched them: it does so as it leaves a page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st

from edgeft_core import queries
from edgeft_core.jobs.states import RunState
from edgeft_core.settings import Home
from edgeft_core.store.contract import RunRecord
from tests.recorded import recorded_run
from ui import state
from ui.live import autopilot, control_panel


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunRecord]:
    """A run that goes on, and a session that shows it."""
    home = Home(tmp_path / "home").ensure()
    record = recorded_run(home, "goes on", steps=5, state=RunState.RUNNING)
    monkeypatch.setattr(state, "home", lambda: home)
    monkeypatch.setattr(state, "catalog", lambda: queries.catalog_of(home))
    monkeypatch.setattr(st, "session_state", {})
    yield record
    queries.forget(home)


def test_a_slider_is_sent_when_it_moved_and_not_when_its_value_is_told_again(
    run: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(control_panel, "_send", lambda _, changes, **__: sent.append(changes))
    for value in (run.config.head.temperature, 2.5):
        st.session_state[control_panel._widget_key(run.id, "head.temperature")] = value
        control_panel._moved(run.id, "head.temperature")
    assert sent == [{"head.temperature": 2.5}]


def test_the_autopilot_is_switched_by_its_switch_alone(
    run: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    turned: list[tuple[bool, int]] = []
    monkeypatch.setattr(autopilot, "_turn", lambda _, on, most: turned.append((on, most)))
    st.session_state["autopilot.most.v"] = 3
    for on in (False, True):
        st.session_state["autopilot.on.v"] = on
        autopilot._switched(run.id, "v")
    assert turned == [(True, 3)]
