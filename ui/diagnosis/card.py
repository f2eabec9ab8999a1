"""One cause as a card: what, how sure, the numbers behind it, what it means, why it may be wrong, what to change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from edgeft_core.config import RunConfig
from edgeft_core.diagnostics.causes import Cause, Evidence
from edgeft_core.diagnostics.causes.names import CAUSE_NAMES
from edgeft_core.store.contract import RunRecord
from ui.diagnosis.numbers import shown, sureness
from ui.diagnosis.proof import proof_panel
from ui.diagnosis.remedy import remedy
from ui.messages import escape, prose

_BAR_PX: Final = 190
HOW_SURE: Final = (
    "How much the evidence weighs together: every sign adds like an independent witness, and what speaks against the "
    "cause takes off. From 85 % on it is treated as a fact; nothing is ever surer than 99 %. It is no frequency: read "
    "the evidence."
)


def cause_card(record: RunRecord, config: RunConfig, cause: Cause, *, place: int, whole: bool) -> None:
    """Draw the card.

    Args:
        config: the settings in force.
        place: 1 for the likeliest.
        whole: show everything at once; else evidence and remedy are folded.
    """
    with st.container(border=True, key=f"cause_{place}"):
        _head(cause, place)
        st.markdown(prose(cause.meaning))
        if whole:
            _body(record, config, cause)
        else:
            with st.expander("Evidence, doubt, and what to change", key=f"cause.more.{record.id}.{cause.id}"):
                _body(record, config, cause)


def _head(cause: Cause, place: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        name = escape(CAUSE_NAMES.get(cause.id, cause.id))
        st.markdown(f"**{place}. {name}** &nbsp; `{cause.id}`", width="stretch")
        percent = f"**{100 * cause.confidence:.0f} %** {sureness(cause.confidence)}"
        st.progress(min(1.0, cause.confidence), text=percent, width=_BAR_PX)


def _body(record: RunRecord, config: RunConfig, cause: Cause) -> None:
    st.table(evidence_rows(cause.evidence), border="horizontal", hide_index=True)
    st.markdown(f"**May be a false alarm.** {prose(cause.doubt)}")
    remedy(record, config, cause)
    proof_panel(record, cause)


def evidence_rows(evidence: Sequence[Evidence]) -> list[dict[str, str]]:
    """Numbers beside their references, as a table for people; cells stay empty where a sign is no number."""
    return [
        {
            "What was seen": f"{prose(one.text)} :gray[:small[{escape(one.signal)}]]",
            "Measured": shown(one.signal, one.value),
            "Compare with": shown(one.signal, one.reference),
        }
        for one in evidence
    ]
