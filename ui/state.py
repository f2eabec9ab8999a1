"""What a session works with: the home, its catalog, and which run is shown (it lives in the URL)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st

from edgeft_core.errors import UnknownRunError
from edgeft_core.jobs.states import ACTIVE, RunState
from edgeft_core.queries import catalog_of
from edgeft_core.settings import Home, find_home
from edgeft_core.store.contract import Catalog, RunRecord

RUN_PARAMETER: Final = "run"
_LAST_RUN: Final = "edgeft.last_run"


@st.cache_resource(show_spinner=False)
def _ensured(root: str) -> Home:
    return find_home(root).ensure()


def home_folder() -> Path:
    """Where the home is, usable or not."""
    return find_home().root


def home() -> Home:
    """The home folder, proven writable once per server.

    Raises:
        HomeError: it cannot be used.
    """
    return _ensured(str(find_home().root))


def catalog() -> Catalog:
    """The catalog of :func:`home`, opened once per server and shared by all sessions."""
    return catalog_of(home())


def current_run() -> RunRecord | None:
    """The run that pages show: the one in the URL, else the last one looked at, else the most urgent one.

    The URL is brought up to date, so that a reload or a copied link shows the same run.
    """
    wanted = st.query_params.get(RUN_PARAMETER) or st.session_state.get(_LAST_RUN)
    record = _find(wanted) or _most_urgent()
    if record is not None:
        show_run(record.id)
    return record


def missing_run() -> str:
    """The run that the URL names and the catalog does not have; empty if there is none such."""
    wanted = st.query_params.get(RUN_PARAMETER, "")
    return wanted if wanted and _find(wanted) is None else ""


def show_run(run_id: str) -> None:
    """Make ``run_id`` the run that all pages show."""
    st.session_state[_LAST_RUN] = run_id
    if st.query_params.get(RUN_PARAMETER) != run_id:
        st.query_params[RUN_PARAMETER] = run_id


def forget_run() -> None:
    """Show no particular run (the one that was shown is deleted)."""
    st.session_state.pop(_LAST_RUN, None)
    st.query_params.pop(RUN_PARAMETER, None)


def _find(run_id: str | None) -> RunRecord | None:
    if not run_id:
        return None
    try:
        return catalog().run(run_id)
    except UnknownRunError:
        return None


def _most_urgent() -> RunRecord | None:
    """The newest active run, else the newest of all."""
    active = catalog().runs(states=tuple(ACTIVE | {RunState.QUEUED}), limit=1)
    return next(iter(active or catalog().runs(limit=1)), None)
