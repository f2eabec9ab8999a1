"""The launch form: a preset, then every setting of RunConfig that differs from it."""

from __future__ import annotations

import inspect
import re
from typing import Any, Final

import streamlit as st

from edgeft_core.config import RunConfig, StageConfig
from edgeft_core.config_keys import Setting, settings_of, value_of, with_values
from edgeft_core.presets import PRESETS
from ui.controls import setting_widget
from ui.launch.sources import data_source, super_resolution
from ui.launch.weights import backbone_name, weights
from ui.messages import escape

_MOST_STAGES: Final = 4
_SYNTHETIC_ONLY: Final = ("data.identities", "data.images_per_identity")
_OWN_WIDGET: Final = ("preset", "data.source", "data.super_resolution", "backbone.name", "backbone.weights")


def launch_form() -> RunConfig:
    """Draw the form and answer the config that it describes.

    Raises:
        ConfigError: settings that do not work together.
    """
    preset = st.selectbox("Preset", list(PRESETS), key="launch.preset", required=True)
    st.caption(escape(preset_sentence(preset)))
    base = _with_stages(PRESETS[preset](), preset)
    described = settings_of(base)
    changes: dict[str, Any] = {}
    _data(base, described, changes, preset)
    _backbone(base, described, changes, preset)
    _head(base, described, changes, preset)
    _stages(base, described, changes, preset)
    _advanced(base, described, changes, preset)
    return with_values(base, changes)


def preset_sentence(preset: str) -> str:
    """What a preset is for: the first sentence of its docstring, without markup for programmers."""
    text = inspect.getdoc(PRESETS[preset]) or ""
    named = re.sub(r":func:`(\w+)`", lambda match: match[1].replace("_", "-"), text)
    return " ".join(named.split()).replace("``", "")


def _with_stages(base: RunConfig, preset: str) -> RunConfig:
    """The preset with as many stages as asked for; a further stage starts as a copy of the last."""
    wanted = st.session_state.get(f"launch.{preset}.stage_count", len(base.stages)) or len(base.stages)
    stages: list[StageConfig] = list(base.stages[:wanted])
    while len(stages) < wanted:
        stages.append(stages[-1].model_copy(update={"name": f"stage {len(stages) + 1}"}))
    return base.model_copy(update={"stages": tuple(stages)})


def _data(base: RunConfig, described: dict[str, Setting], changes: dict[str, Any], preset: str) -> None:
    with _section("Data"):
        source = data_source(base.data.source, f"launch.{preset}.data.source")
        changes["data.source"] = source
        skip = _OWN_WIDGET if source == "synthetic" else (*_OWN_WIDGET, *_SYNTHETIC_ONLY)
        _grid([one for one in _plain(described, "data.") if one.key not in skip], base, changes, preset)


def _backbone(base: RunConfig, described: dict[str, Setting], changes: dict[str, Any], preset: str) -> None:
    with _section("Backbone and weights"):
        left, right = st.columns(2)
        with left:
            name = backbone_name(described["backbone.name"], base.backbone.name, f"launch.{preset}.backbone")
        with right:
            chosen = weights(described["backbone.weights"], base.backbone.weights, f"launch.{preset}.weights")
        changes |= {"backbone.name": name, "backbone.weights": chosen}
        if chosen == "demo" and name != "edgeface_xxs":
            st.warning("The demo weights fit edgeface_xxs only; choose that, or other weights.")


def _head(base: RunConfig, described: dict[str, Setting], changes: dict[str, Any], preset: str) -> None:
    with _section("Head"):
        _grid(_plain(described, "head."), base, changes, preset)


def _stages(base: RunConfig, described: dict[str, Setting], changes: dict[str, Any], preset: str) -> None:
    with _section("Stages"):
        st.segmented_control(
            "Number of stages",
            range(1, _MOST_STAGES + 1),
            default=len(base.stages),
            required=True,
            key=f"launch.{preset}.stage_count",
        )
        for index, (tab, stage) in enumerate(
            zip(st.tabs([f"{n + 1} {one.name}" for n, one in enumerate(base.stages)]), base.stages, strict=True)
        ):
            with tab:
                _stage(index, stage, base, described, changes, preset)


def _stage(
    index: int,
    stage: StageConfig,
    base: RunConfig,
    described: dict[str, Setting],
    changes: dict[str, Any],
    preset: str,
) -> None:
    prefix = f"stages.{index}."
    trains = bool(st.session_state.get(f"launch.{preset}.{prefix}train_backbone", stage.train_backbone))
    shown = [
        one
        for one in _plain(described, prefix)
        if trains or one.key.removeprefix(prefix) not in {"backbone_lr", "contrastive_weight"}
    ]
    _grid(shown, base, changes, preset)


def _advanced(base: RunConfig, described: dict[str, Setting], changes: dict[str, Any], preset: str) -> None:
    with st.expander("Advanced", icon=":material/tune:"):
        changes["data.super_resolution"] = super_resolution(
            described["data.super_resolution"], base.data.super_resolution, f"launch.{preset}.super_resolution"
        )
        groups = {"Data": "data.", "Backbone": "backbone.", "Head": "head.", "Monitor": "monitor."}
        groups |= {f"Stage {index + 1}": f"stages.{index}." for index in range(len(base.stages))}
        top = [one for one in described.values() if one.advanced and "." not in one.key and one.key not in _OWN_WIDGET]
        for title, tab in zip(["Run", *groups], st.tabs(["Run", *groups]), strict=True):
            with tab:
                inside = top if title == "Run" else _folded(described, groups[title])
                _grid(inside, base, changes, preset)


def _section(title: str) -> Any:
    return st.container(border=True, key=f"section_{title.split()[0].lower()}").expander(title, expanded=True)


def _plain(described: dict[str, Setting], prefix: str) -> list[Setting]:
    return [one for one in described.values() if one.key.startswith(prefix) and not one.advanced]


def _folded(described: dict[str, Setting], prefix: str) -> list[Setting]:
    return [
        one
        for one in described.values()
        if one.key.startswith(prefix) and one.advanced and one.key not in _OWN_WIDGET
    ]


def _grid(settings: list[Setting], base: RunConfig, changes: dict[str, Any], preset: str) -> None:
    """Two widgets a row, in the order of RunConfig."""
    for start in range(0, len(settings), 2):
        for column, one in zip(st.columns(2, vertical_alignment="bottom"), settings[start : start + 2], strict=False):
            with column:
                key = f"launch.{preset}.{one.key}"
                changes[one.key] = setting_widget(one, value_of(base, one.key), key)
