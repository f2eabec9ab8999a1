"""Launch: choose data, backbone and settings, see what the run will cost, start it."""

from __future__ import annotations

import streamlit as st

from edgeft_core import access
from ui import frame, messages
from ui.launch.check import check_of, check_panel
from ui.launch.form import chosen_preset, launch_form
from ui.launch.preview import opened, preview
from ui.launch.start import costs, start

frame.open_page("Launch")
if access.visitor().role is not access.Role.CONTROL:
    messages.empty_state(
        "You may look, not launch", "Ask the operator of this EdgeFT for control.", icon="visibility"
    )
    st.stop()
form, side = st.columns([6, 5], gap="medium")
config = None
with form, messages.calmly():
    config = launch_form()
with side, messages.calmly():
    if config is None:
        st.caption("Mend the settings on the left to go on.")
    elif not config.data.source:
        messages.empty_state("Which faces?", "Name a folder or upload a zip on the left.", icon="folder_open")
    elif not config.backbone.weights:
        messages.empty_state("Which weights?", "Upload a weight file on the left.", icon="upload_file")
    else:
        data = opened(config.data, config.seed)
        check = check_of(config)
        start(config, check)
        costs(config, data)
        check_panel(check, chosen_preset())
        preview(data, config.data)
