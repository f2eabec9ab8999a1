"""The ranked causes: three at first, the others behind a fold; or, plainly, that nothing was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from edgeft_core import queries
from edgeft_core.diagnostics.causes import Cause
from edgeft_core.diagnostics.causes.names import CAUSE_NAMES
from edgeft_core.diagnostics.diagnosis import SHOWN_AT_FIRST, Diagnosis
from edgeft_core.diagnostics.status import BAD
from ui import state
from ui.diagnosis.card import HOW_SURE, cause_card
from ui.diagnosis.looked_at import looked_at
from ui.fragments import fragment
from ui.messages import calmly

# Below this a cause is only one of those that were considered, unless the verdict asks for an explanation.
_SUSPECTED: Final = 0.3


def causes_panel(run_id: str, *, every_s: float | None) -> None:
    """Drawn again every ``every_s`` seconds, never if None."""
    with st.container(key="diagnosis_causes"):
        fragment(_draw, every_s=every_s)(run_id)


def _draw(run_id: str) -> None:
    with calmly():
        record = state.catalog().run(run_id)
        case = queries.case_of(state.home(), run_id)
        found = queries.diagnosis_of(case)
        first, others = divided(found)
        if first:
            st.markdown("##### Likely causes", help=HOW_SURE)
        else:
            st.markdown(f"##### :material/check_circle: {nothing_found(found, case.step)}")
        for place, cause in enumerate(first, 1):
            whole = place == 1 or cause.confidence >= 0.5
            cause_card(record, case.config, cause, place=place, whole=whole)
        if others:
            with st.expander(f"Others that were considered ({len(others)})", key=f"causes.others.{run_id}"):
                for place, cause in enumerate(others, len(first) + 1):
                    cause_card(record, case.config, cause, place=place, whole=False)
        with st.expander("What was looked at", expanded=not first, key=f"causes.looked_at.{run_id}"):
            looked_at(case)


def divided(found: Diagnosis) -> tuple[Sequence[Cause], Sequence[Cause]]:
    """Causes to show at once, at most three, and those behind the fold.

    A run that is well shows only what is suspected; one that is not shows the best explanations there are.
    """
    bad = found.verdict.status in BAD
    worth = [one for one in found.causes if (one.confidence >= _SUSPECTED or bad) and one.id != "early"]
    first = worth[:SHOWN_AT_FIRST]
    return first, [one for one in found.causes if one not in first]


def nothing_found(found: Diagnosis, step: int) -> str:
    """The heading where no cause is worth a card."""
    if step == 0:
        return "Nothing to diagnose yet: the run has made no step."
    if any(one.id == "early" for one in found.causes):
        return f"{CAUSE_NAMES['early']}. No cause for concern was found."
    return "Nothing was found that is wrong."
