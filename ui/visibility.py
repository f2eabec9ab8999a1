"""How often a page asks for news: often while somebody looks, seldom while its tab is hidden."""

from collections.abc import Callable
from typing import Final

import streamlit as st

VISIBLE_S: Final = 1.0
HIDDEN_S: Final = 10.0

# Reports a hidden tab after two seconds (not every glance at another tab is worth a run), a visible one at once.
_JS: Final = """
const HIDE_AFTER_MS = 2000;
const known = new WeakMap();

export default function ({ parentElement, setStateValue, data }) {
  const state = known.get(parentElement) ?? { reported: data.hidden };
  state.report = () => {
    clearTimeout(state.timer);
    const hidden = document.hidden;
    if (hidden === state.reported) return;
    state.timer = setTimeout(() => {
      state.reported = hidden;
      state.set("hidden", hidden);
    }, hidden ? HIDE_AFTER_MS : 0);
  };
  state.set = setStateValue;
  if (!known.has(parentElement)) {
    known.set(parentElement, state);
    parentElement.closest('[data-testid="stElementContainer"]')?.style.setProperty("display", "none");
    state.listener = () => state.report();
    document.addEventListener("visibilitychange", state.listener);
  }
  state.reported = data.hidden;
  state.report();
  return () => setTimeout(() => {
    if (parentElement.isConnected) return;
    clearTimeout(state.timer);
    document.removeEventListener("visibilitychange", state.listener);
  }, 0);
}
"""

_KEY: Final = "edgeft_visibility"
_mount = st.components.v2.component("edgeft_visibility", js=_JS, isolate_styles=False)


def _nothing() -> None:
    """Streamlit reports a state only where it has a callback."""


_ON_CHANGE: Final[Callable[[], None]] = _nothing


def tab_hidden() -> bool:
    """Whether the browser tab is hidden. Call it once per page, outside fragments.

    The page runs again when this changes, so a tab that comes back shows the latest numbers at once.
    """
    known = st.session_state.get(_KEY)
    hidden = bool(known and known.get("hidden"))
    result = _mount(key=_KEY, data={"hidden": hidden}, on_hidden_change=_ON_CHANGE)
    return bool(result.get("hidden"))


def poll_interval(visible_s: float = VISIBLE_S, hidden_s: float = HIDDEN_S) -> float:
    """Seconds for `st.fragment(run_every=...)`. Call it once per page, outside fragments."""
    return hidden_s if tab_hidden() else visible_s
