"""The launch form: a preset, then every setting of RunConfig that differs from it."""

from __future__ import annotations

import inspect
import re
from typing import Any, Final

import streamlit as st

from edgeft_core.config import RunConfig, StageConfig
from edgeft_core.config_keys import Setting, settings_of, value_of, with_values
from edgeft_core.errors import UnknownRunError
from edgeft_core.presets import PRESETS
from edgeft_core.store.contract import RunRecord
from ui import state
from ui.controls import setting_widget
from ui.launch.sources import data_source, super_resolution
from ui.launch.weights import backbone_name, weights
from ui.messages import escape

_USUAL_STAGES: Final = 4
_LIKE: Final = "launch.like"
_WITH: Final = "launch.with"
_SYNTHETIC_ONLY: Final = ("data.identities", "data.images_per_identity")
_OWN_WIDGET: Final = ("preset", "data.source", "data.super_resolution", "backbone.name", "backbone.weights")


def launch_form() -> RunConfig:
    """Draw the form and answer the config that it describes.

    Raises:
        ConfigError: settings that do not work together.
    """
    bases = {name: (make(), preset_sentence(name)) for name, make in PRESETS.items()}
    bases |= _like_a_run() | st.session_state.get(_WITH, {})
    preset = st.selectbox("Preset", list(bases), key="launch.preset")
    base, words = bases[preset]
    st.caption(escape(words))
    form = _Form(preset, base)
    form.data()
    form.backbone()
    form.head()
    form.stages()
    form.advanced()
    return with_values(form.base, form.changes)


def start_from(record: RunRecord) -> None:
    """Let the form begin with the settings of a run, as they were launched."""
    st.session_state[_LIKE] = (record.id, record.name)
    st.session_state["launch.preset"] = f"as {record.name}"


def start_with(label: str, words: str, config: RunConfig) -> None:
    """Let the form begin with a whole config, listed as ``label`` among the presets."""
    st.session_state[_WITH] = {label: (config, words)}
    st.session_state["launch.preset"] = label


def chosen_preset() -> str:
    """The name under which the form keeps its widgets."""
    return str(st.session_state["launch.preset"])


def widget_key(preset: str, name: str) -> str:
    """Where the session keeps what the widget of a setting holds."""
    return f"launch.{preset}.{name}"


def _like_a_run() -> dict[str, tuple[RunConfig, str]]:
    """The run that :func:`start_from` named, as one more base; nothing if it was deleted since."""
    if _LIKE not in st.session_state:
        return {}
    run_id, name = st.session_state[_LIKE]
    try:
        config = state.catalog().run(run_id).config.model_copy(update={"sweep": None})
    except UnknownRunError:
        del st.session_state[_LIKE]
        return {}
    return {f"as {name}": (config, f"The settings of {name}, to be changed.")}


def preset_sentence(preset: str) -> str:
    """What a preset is for: its docstring, without markup for programmers."""
    text = inspect.getdoc(PRESETS[preset]) or ""
    named = re.sub(r":func:`(\w+)`", lambda match: match[1].replace("_", "-"), text)
    return " ".join(named.split()).replace("`", "")


class _Form:
    """The sections of the form over one preset; widgets keep their values per preset."""

    def __init__(self, preset: str, base: RunConfig) -> None:
        self.preset = preset
        self.base = self._with_stages(base)
        self.described = settings_of(self.base)
        self.changes: dict[str, Any] = {}

    def key(self, name: str) -> str:
        return widget_key(self.preset, name)

    def _with_stages(self, base: RunConfig) -> RunConfig:
        """The preset with as many stages as asked for; a further stage starts as a copy of the last."""
        wanted = st.session_state.get(self.key("stage_count")) or len(base.stages)
        stages: list[StageConfig] = list(base.stages[:wanted])
        while len(stages) < wanted:
            stages.append(stages[-1].model_copy(update={"name": f"stage {len(stages) + 1}"}))
        return base.model_copy(update={"stages": tuple(stages)})

    def data(self) -> None:
        with _section("Data"):
            source = data_source(self.base.data.source, self.key("data.source"))
            self.changes["data.source"] = source
            hidden = () if source == "synthetic" else _SYNTHETIC_ONLY
            self._grid([one for one in self._plain("data.") if one.key not in hidden])

    def backbone(self) -> None:
        with _section("Backbone and weights"):
            left, right = st.columns(2)
            with left:
                name = backbone_name(
                    self.described["backbone.name"], self.base.backbone.name, self.key("backbone.name")
                )
            with right:
                chosen = weights(
                    self.described["backbone.weights"],
                    self.base.backbone.weights,
                    self.key("backbone.weights"),
                )
            self.changes |= {"backbone.name": name, "backbone.weights": chosen}
            if chosen == "demo" and name != "edgeface_xxs":
                st.warning("The demo weights fit edgeface_xxs only; choose that, or other weights.")

    def head(self) -> None:
        with _section("Head"):
            self._grid(self._plain("head."))

    def stages(self) -> None:
        stages = self.base.stages
        with _section("Stages"):
            st.segmented_control(
                "Number of stages",
                range(1, max(_USUAL_STAGES, len(stages)) + 1),
                default=len(stages),
                required=True,
                key=self.key("stage_count"),
            )
            tabs = st.tabs([f"{index + 1} {stage.name}" for index, stage in enumerate(stages)])
            for index, tab in enumerate(tabs):
                with tab:
                    self._stage(f"stages.{index}.", stages[index])

    def _stage(self, prefix: str, stage: StageConfig) -> None:
        trains = bool(st.session_state.get(self.key(f"{prefix}train_backbone"), stage.train_backbone))
        hidden = () if trains else (f"{prefix}backbone_lr", f"{prefix}contrastive_weight")
        self._grid([one for one in self._plain(prefix) if one.key not in hidden])

    def advanced(self) -> None:
        groups = {"Run": "", "Data": "data.", "Backbone": "backbone.", "Head": "head.", "Monitor": "monitor."}
        groups |= {"Autopilot": "autopilot."}
        groups |= {f"Stage {index + 1}": f"stages.{index}." for index in range(len(self.base.stages))}
        with st.expander("Advanced", icon=":material/tune:"):
            for (title, prefix), tab in zip(groups.items(), st.tabs(list(groups)), strict=True):
                with tab:
                    if title == "Data":
                        self.changes["data.super_resolution"] = super_resolution(
                            self.described["data.super_resolution"],
                            self.base.data.super_resolution,
                            self.key("data.super_resolution"),
                        )
                    self._grid(self._folded(prefix))

    def _plain(self, prefix: str) -> list[Setting]:
        inside = [one for one in self.described.values() if one.key.startswith(prefix) and not one.advanced]
        return [one for one in inside if one.key not in _OWN_WIDGET]

    def _folded(self, prefix: str) -> list[Setting]:
        """Advanced settings below ``prefix``; those of the run itself where it is empty."""
        return [
            one
            for one in self.described.values()
            if one.advanced
            and one.key not in _OWN_WIDGET
            and (one.key.startswith(prefix) if prefix else "." not in one.key)
        ]

    def _grid(self, settings: list[Setting]) -> None:
        """Two widgets a row, in the order of RunConfig."""
        for start in range(0, len(settings), 2):
            columns = st.columns(2, vertical_alignment="bottom")
            for column, one in zip(columns, settings[start : start + 2], strict=False):
                with column:
                    value = value_of(self.base, one.key)
                    self.changes[one.key] = setting_widget(one, value, self.key(one.key))


def _section(title: str) -> Any:
    return st.expander(title, expanded=True)
