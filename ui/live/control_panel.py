"""Sliders that move the running job: what is asked for, what is in force, and s / T with its reach."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final

import streamlit as st

from edgeft_core import queries
from edgeft_core.autopilot.record import Autopilot
from edgeft_core.config_keys import Setting, settings_of, value_of
from edgeft_core.errors import EdgeFTError
from edgeft_core.figures import theme
from edgeft_core.jobs import control
from edgeft_core.jobs.in_force import to_undo
from edgeft_core.jobs.states import ACTIVE, RunState
from edgeft_core.settings import Home
from edgeft_core.store.contract import CommandRecord, RunRecord
from ui import state
from ui.controls import format_value, setting_widget
from ui.fragments import fragment
from ui.launch.reach import reach
from ui.live.autopilot import autopilot
from ui.live.in_force import InForce
from ui.live.journal import journal
from ui.messages import calmly, escape
from ui.now import at_this_moment

_HEAD: Final = ("head.temperature", "head.scale", "head.margin_rad", "head.centre")
_RATES: Final = ("head_lr", "backbone_lr", "contrastive_weight")
# A worker answers between two steps; most changes are in force before the page is drawn again.
_PATIENCE_S: Final = 0.3
_MOVABLE: Final = ACTIVE | {RunState.QUEUED}


def control_panel(run_id: str, *, every_s: float | None) -> None:
    """Drawn again when there is news, apart from the charts, so that a hand on a slider is not disturbed."""
    fragment(_draw, every_s=every_s, news=_news)(run_id)


def _news(run_id: str) -> Hashable:
    try:
        return at_this_moment(panel_depends_on, run_id)
    except EdgeFTError as error:  # the drawing will say so
        return str(error)


def panel_depends_on(home: Home, run_id: str) -> Hashable:
    """Everything in the run and its commands that the panel shows, but how long ago things were."""
    record = queries.catalog_of(home).run(run_id)
    commands = queries.catalog_of(home).commands(run_id)
    now = InForce(record, commands)
    told = [(one.id, one.outcome, one.step, one.reason) for one in commands]
    return repr((
        (record.name, record.state, record.summary.get("n_classes"), now.stage),
        (told, Autopilot.of(record), now.step if now.ramps else None),
    ))  # fmt: skip


def asked_values(record: RunRecord) -> dict[str, Any]:
    """What the sliders of a run hold now, as far as it differs from the run's own settings."""
    values: dict[str, Any] = {}
    for key in settings_of(record.config):
        held = st.session_state.get(_widget_key(record.id, key))
        if held is not None and held != value_of(record.config, key):
            values[key] = held
    return values


def _draw(run_id: str) -> None:
    with calmly():
        record = state.catalog().run(run_id)
        commands = state.catalog().commands(run_id)
        panel = _Panel(record, commands)
        st.markdown("**Controls**" if record.state in _MOVABLE else "**Values for a restart**")
        for key in panel.shown_keys():
            panel.slider(key)
        panel.reach_line()
        panel.more()
        panel.buttons()
        st.divider()
        autopilot(record)
        journal(state.home(), run_id)


class _Panel:
    """One drawing of the controls."""

    def __init__(self, record: RunRecord, commands: Sequence[CommandRecord]) -> None:
        self.record = record
        self.commands = commands
        self.now = InForce(record, commands)
        self.collected: dict[str, Any] = st.session_state.setdefault(f"control.collected.{record.id}", {})
        self.movable = record.state in _MOVABLE

    def shown_keys(self) -> list[str]:
        """The head's settings and the rates of the stage that is trained now."""
        stage = self.now.stage
        rates = _RATES if self.now.trains_backbone(stage) else _RATES[:1]
        return [*_HEAD, *(f"stages.{stage}.{name}" for name in rates)]

    def slider(self, key: str) -> None:
        """One setting; its label tells value in force and value asked for until they agree."""
        one = self.now.described[key]
        self._let_widget_follow(key)
        held_key = _widget_key(self.record.id, key)
        held = st.session_state.get(held_key, self.now.asked.get(key, self.now.values[key]))
        setting_widget(
            one, held, held_key, remark=self._remark(one, key), on_change=_moved, args=(self.record.id, key)
        )

    def _let_widget_follow(self, key: str) -> None:
        """A change that came from elsewhere, or was refused, moves the slider.

        It does so as a new widget: the browser may just now be sending the old one's value, with a poll, and that
        must not be taken for a hand that moved it back.
        """
        if not self.movable or key in self.collected:
            return
        target = self.now.asked.get(key, self.now.values[key])
        held = st.session_state.get(_widget_key(self.record.id, key), target)
        seen_key = f"control.seen.{self.record.id}.{key}"
        news = st.session_state.get(seen_key, target) != target or key in self.now.refused
        if news and held != target:
            version_key = _version_key(self.record.id, key)
            st.session_state[version_key] = st.session_state.get(version_key, 0) + 1
        st.session_state[seen_key] = target

    def _remark(self, one: Setting, key: str) -> str:
        force = format_value(one, self.now.values[key])
        if key in self.collected:
            return f":orange[{force} \u2192 {format_value(one, self.collected[key])}, not sent]"
        if key in self.now.asked:
            return f":orange[{force} \u2192 {format_value(one, self.now.asked[key])}, on its way]"
        if key in self.now.refused:
            return f":red[\u2715 refused, still {force}]"
        if key in self.now.ramps:
            ramp = self.now.ramps[key]
            now = format_value(one, ramp.at(self.now.step))
            return f":orange[now {now}, {force} at step {theme.format_count(ramp.last)}]"
        return ""

    def reach_line(self) -> None:
        """s / T for what the sliders hold."""

        def held(key: str) -> float:
            return float(st.session_state.get(_widget_key(self.record.id, key), self.now.values[key]))

        classes = int(self.record.summary.get("n_classes") or self.record.config.data.identities)
        st.markdown(reach(held("head.scale"), held("head.temperature"), classes).sentence())

    def more(self) -> None:
        """Live settings that are seldom moved, and those of the other stages."""
        rest = [key for key in self.now.values if key not in self.shown_keys() and not self._idle(key)]
        with st.expander("More settings"):
            for prefix, keys in itertools.groupby(rest, key=lambda key: key.rsplit(".", 1)[0]):
                if prefix.startswith("stages."):
                    number = int(prefix.split(".")[1])
                    st.caption(f"Stage {number + 1}, {escape(self.record.config.stages[number].name)}")
                for key in keys:
                    self.slider(key)

    def _idle(self, key: str) -> bool:
        """A setting of a stage that is over, or the SR/HR weight where it pulls at nothing."""
        if not key.startswith("stages."):
            return False
        _, number, name = key.split(".")
        over = self.movable and int(number) < self.now.stage
        return over or (name == "contrastive_weight" and not self.now.trains_backbone(int(number)))

    def buttons(self) -> None:
        """Send at once or together, and take back."""
        if not self.movable:
            st.caption("This run has ended. Restart takes these values into a new run.")
            return
        together = st.toggle(
            "Collect changes",
            value=bool(st.session_state.get(_together_key(self.record.id))),
            key=f"{_together_key(self.record.id)}.toggle",
            on_change=_switch_together,
            args=(self.record.id,),
            help="Off: a change is sent when the slider is let go. On: changes wait and take effect in one step.",
        )
        st.number_input(
            "Change over (steps)", 0, control.MOST_STEPS, 0, 50, key=_over_key(self.record.id),
            help="0: a change jumps. Otherwise numbers go to their new value gradually, over so many steps.",
        )  # fmt: skip
        _show_problem(self.record.id)
        with st.container(horizontal=True, gap="small"):
            if together or self.collected:
                st.button(
                    "Apply together", type="primary", disabled=not self.collected, on_click=_send_collected,
                    args=(self.record.id,), key=f"control.apply.{self.record.id}",
                )  # fmt: skip
            latest = to_undo(self.commands)
            st.button(
                "Undo", icon=":material/undo:", disabled=latest is None, on_click=_undo, args=(self.record.id,),
                key=f"control.undo.{self.record.id}", help=self._undo_words(latest.previous if latest else {}),
            )  # fmt: skip

    def _undo_words(self, previous: Mapping[str, Any]) -> str:
        words = [
            f"{self.now.described[key].title} {format_value(self.now.described[key], value)}"
            for key, value in previous.items()
            if key in self.now.described
        ]
        return f"Back to {', '.join(words)}" if words else "Nothing to take back"


def _widget_key(run_id: str, key: str) -> str:
    return f"control.{run_id}.{key}.{st.session_state.get(_version_key(run_id, key), 0)}"


def _version_key(run_id: str, key: str) -> str:
    return f"control.version.{run_id}.{key}"


def _over_key(run_id: str) -> str:
    return f"control.over.{run_id}"


def _together_key(run_id: str) -> str:
    return f"control.together.{run_id}"


def _switch_together(run_id: str) -> None:
    # Kept apart from the widget: whether a change is sent must not hang on a widget's life.
    st.session_state[_together_key(run_id)] = st.session_state[f"{_together_key(run_id)}.toggle"]


def _moved(run_id: str, key: str) -> None:
    """A slider was let go, or a browser that is just leaving the page told what all of them hold."""
    value = st.session_state[_widget_key(run_id, key)]
    record = state.catalog().run(run_id)
    now = InForce(record, state.catalog().commands(run_id))
    known = now.values | now.asked | st.session_state.get(f"control.collected.{run_id}", {})
    if record.state not in _MOVABLE or value == known[key]:
        return
    if st.session_state.get(_together_key(run_id)):
        st.session_state[f"control.collected.{run_id}"][key] = value
    else:
        gradual = settings_of(record.config)[key].kind == "float"
        _send(run_id, {key: value}, over_steps=_over_steps(run_id) if gradual else 0)


def _send_collected(run_id: str) -> None:
    collected = st.session_state[f"control.collected.{run_id}"]
    _send(run_id, dict(collected), over_steps=_over_steps(run_id))
    collected.clear()


def _over_steps(run_id: str) -> int:
    return int(st.session_state.get(_over_key(run_id)) or 0)


def _send(run_id: str, changes: Mapping[str, Any], *, over_steps: int = 0) -> None:
    st.session_state.pop(f"control.problem.{run_id}", None)
    try:
        control.set_values(state.home(), run_id, changes, over_steps=over_steps, wait_s=_PATIENCE_S)
    except EdgeFTError as error:
        st.session_state[f"control.problem.{run_id}"] = str(error)


def _undo(run_id: str) -> None:
    st.session_state.pop(f"control.problem.{run_id}", None)
    try:
        control.undo(state.home(), run_id, wait_s=_PATIENCE_S)
    except EdgeFTError as error:
        st.session_state[f"control.problem.{run_id}"] = str(error)


def _show_problem(run_id: str) -> None:
    problem = st.session_state.get(f"control.problem.{run_id}")
    if problem:
        st.caption(f":red[\u2715] {escape(problem)}")
