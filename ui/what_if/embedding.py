"""Embedding in the background: one piece of work per session, its progress, and its answer."""

from __future__ import annotations

from typing import Final

import streamlit as st

from edgeft_core.config import RunConfig
from edgeft_core.jobs.embedding import EmbeddingProcess
from ui import state
from ui.fragments import fragment
from ui.messages import escape

_KEY: Final = "what_if.embedding"
_LOOK_EVERY_S: Final = 0.5


def start_embedding(config: RunConfig, run_id: str = "") -> None:
    """Begin; what this session worked on before is ended."""
    if (held := st.session_state.get(_KEY)) is not None:
        held[1].stop()
    st.session_state[_KEY] = (
        _asked(config, run_id),
        EmbeddingProcess.start(state.home(), config, run_id),
    )


def embedding_under_way(config: RunConfig, run_id: str = "") -> bool:
    """Draw progress or the error of this very work; whether it still goes on."""
    held = st.session_state.get(_KEY)
    if held is None or held[0] != _asked(config, run_id):
        return False
    progress = held[1].poll()
    if progress.running:
        fragment(_draw, every_s=_LOOK_EVERY_S)()
    elif progress.error:
        st.error(escape(progress.error), icon=":material/error:")
    return bool(progress.running)


def _draw() -> None:
    held = st.session_state.get(_KEY)
    progress = held[1].poll() if held else None
    if progress is None or not progress.running:
        st.rerun()
    share = min(1.0, progress.done / max(1, progress.total))
    counted = f": {progress.done} of {progress.total}" if progress.total > 1 else ""
    st.progress(share, text=f"{escape(progress.what)}{counted} ...")


def _asked(config: RunConfig, run_id: str) -> tuple[str, str]:
    return run_id, config.model_dump_json(include={"data", "backbone", "seed"})
