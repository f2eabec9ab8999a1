"""The pictures of a run, or a sentence why there are none."""

from __future__ import annotations

import streamlit as st

from edgeft_core.errors import DataError
from edgeft_core.store.contract import RunRecord
from ui import faces, state
from ui.messages import escape
from ui.samples.pictures import Pictures


def opened_pictures(record: RunRecord) -> Pictures | None:
    """None where the images cannot be read any more; predictions are shown without them then."""
    try:
        with st.spinner("Opening the images ..."):
            return Pictures(
                faces.dataset(record.config.data, seed=record.config.seed, home=state.home()), record.config
            )
    except DataError as error:
        st.warning(
            f"{escape(str(error))} Predictions are shown without pictures.", icon=":material/hide_image:"
        )
        return None
