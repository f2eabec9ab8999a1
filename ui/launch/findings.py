"""What a check found, worst first; what it looked at without finding anything is folded."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import settings_of, value_of, with_values
from edgeft_core.diagnostics.case import Finding, Level
from edgeft_core.figures import theme
from edgeft_core.jobs.preflighting import PreflightProgress
from edgeft_core.preflight.report import PreflightReport
from ui.controls import format_value, label_of
from ui.launch.form import widget_key
from ui.messages import escape, prose

_EXAMPLES: Final = 3
LEVEL_WORDS: Final[dict[Level, str]] = {
    "blocking": ":red[**\u2715 blocking**]",
    "warning": ":orange[**\u25b2 warning**]",
    "info": ":gray[**\u25cb worth knowing**]",
}
# Settings whose widgets hold something else than the value.
_BY_HAND: Final = frozenset({"data.source", "data.super_resolution"})


def checking(told: PreflightProgress) -> None:
    """How far the check is."""
    share = told.done / told.total if told.total else 0.0
    count = f" \u00b7 {told.done} of {told.total}" if told.total > 1 else ""
    st.progress(min(1.0, share), text=f"Checking before training: {escape(told.what)}{count}")


def findings(report: PreflightReport, config: RunConfig, preset: str) -> None:
    """What should be mended, each with the settings that would; then what else was looked at."""
    for number, one in enumerate(report.findings):
        if one.level != "info":
            _finding(one, config, preset, number)
    _looked_at(report)


def summary(report: PreflightReport) -> str:
    """Streamlit markdown: how many of each level, how many checks passed, how long it took."""
    levels = [one.level for one in report.findings]
    words = [
        f":{colour}[**{sign} {levels.count(level)} {name}**]"
        for level, colour, sign, name in (
            ("blocking", "red", "\u2715", "blocking"),
            ("warning", "orange", "\u25b2", "to mend"),
        )
        if level in levels
    ]
    if not words:
        words = [":green[**\u2713 Checked, nothing to mend**]"]
    took = f":gray[{len(report.passed)} checks passed, {theme.format_duration(report.took_s)}]"
    return " &nbsp; ".join([*words, took])


def _finding(one: Finding, config: RunConfig, preset: str, number: int) -> None:
    with st.container(border=True, key=f"finding_{number}", gap="small"):
        cause = f" &nbsp; `{escape(one.cause)}`" if one.cause else ""
        st.markdown(f"{LEVEL_WORDS[one.level]}{cause}  \n{prose(one.text)}")
        if one.examples:
            more = "" if len(one.examples) <= _EXAMPLES else f" and {len(one.examples) - _EXAMPLES} more"
            st.caption(f"Such as {escape(', '.join(one.examples[:_EXAMPLES]))}{more}.")
        usable = {key: value for key, value in one.fix.items() if key in settings_of(config)}
        if usable:
            _offer(usable, config, preset, number)


def _offer(fix: dict[str, Any], config: RunConfig, preset: str, number: int) -> None:
    """The settings that would mend it, and a button that puts them into the form."""
    described = settings_of(config)
    words = [
        f"{escape(label_of(described[key]))}: {escape(format_value(described[key], value_of(config, key)))} \u2192 "
        f"**{escape(format_value(described[key], value))}**"
        for key, value in fix.items()
    ]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(", ".join(words), width="stretch")
        key = f"finding.use.{number}"
        if not _BY_HAND & set(fix) and st.button(
            "Use this", key=key, on_click=_use, args=(config, preset, fix)
        ):
            st.rerun()  # the form is outside the fragment that this is drawn in


def _use(config: RunConfig, preset: str, fix: dict[str, Any]) -> None:
    """Put values into the form's widgets, which are drawn after this."""
    typed = with_values(config, fix)
    for key in fix:
        st.session_state[widget_key(preset, key)] = value_of(typed, key)


def _looked_at(report: PreflightReport) -> None:
    """What was seen, looked at in part, or not checked at all."""
    notes = [one for one in report.findings if one.level == "info"]
    lines = [f":gray[\u25cb] {prose(one.text)}" for one in notes]
    lines += [f":green[\u2713] {prose(one.text)}" for one in report.passed]
    lines += [f":gray[\u25d4 looked at in part] {prose(one)}" for one in report.sampled]
    lines += [f":orange[\u25b2 not checked] {prose(one)}" for one in report.unchecked]
    with st.expander(f"Looked at ({len(lines)})", key="launch.looked_at"):
        st.caption("  \n".join(lines))
