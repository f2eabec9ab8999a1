"""One widget per setting, made from its description in RunConfig: bounds, unit, help, logarithmic or not."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

from edgeft_core.config_keys import Setting
from edgeft_core.figures import theme
from ui.ladder import ladder

_WORDS: Final = {
    "minus_one_to_one": "-1 to 1",
    "zero_to_one": "0 to 1",
    "imagenet": "ImageNet statistics",
    "none": "none (0 to 255)",
    "arcface": "ArcFace",
    "cosface": "CosFace",
    "softmax": "plain softmax",
    "sr": "enlarged (SR)",
    "hr": "original (HR)",
}
_SLIDER_STEPS: Final = (0.01, 0.1, 1.0)
_MOST_STEPS: Final = 200


def setting_widget(one: Setting, value: Any, key: str, *, remark: str = "", **options: Any) -> Any:
    """Draw the widget of a setting and answer what it holds.

    Args:
        value: what it holds at first; a value in the session under ``key`` goes before it.
        remark: Streamlit markdown behind the label.
        options: handed to the widget, such as ``on_change``.
    """
    shared: dict[str, Any] = {"key": key, "help": _help(one), **options}
    label = f"{label_of(one)} {remark}".strip()
    if one.kind == "bool":
        return st.toggle(label, value=value, **shared)
    if one.kind == "choice":
        index = list(one.choices).index(value)
        return st.selectbox(label, one.choices, index=index, format_func=_word, **shared)
    if one.kind == "str":
        return st.text_input(label, value=value, **shared).strip()
    return _number(one, value, label, shared)


def _number(one: Setting, value: Any, label: str, shared: dict[str, Any]) -> Any:
    bounded = one.minimum is not None and one.maximum is not None
    if one.log and bounded:
        return _log_slider(one, value, label, shared)
    if one.kind == "float" and bounded:
        return _slider(one, float(value), label, shared)
    low, high = _whole(one.minimum), _whole(one.maximum)
    hint = "auto" if one.optional else None
    return st.number_input(label, low, high, value, 1, placeholder=hint, **shared)


def label_of(one: Setting) -> str:
    """Title with unit: ``"Margin m (rad)"``."""
    return f"{one.title} ({one.unit})" if one.unit else one.title


def format_value(one: Setting, value: Any) -> str:
    """A value as people write it: ``1e-4`` for rates, words for choices, at most three digits otherwise."""
    if value is None:
        return "auto"
    if one.kind == "bool":
        return "on" if value else "off"
    if one.kind in {"choice", "str"}:
        return _word(value)
    if one.kind == "int":
        return theme.format_count(int(value))
    if one.log and one.maximum is not None and one.maximum <= 1:
        return theme.format_rate(float(value))
    return theme.format_number(float(value))


def _log_slider(one: Setting, value: float, label: str, shared: dict[str, Any]) -> float | int:
    assert one.minimum is not None and one.maximum is not None
    whole = one.kind == "int"
    held = st.session_state.get(shared["key"], value)
    stops = ladder(one.minimum, one.maximum, whole=whole, extra=(float(value), float(held)))
    chosen = st.select_slider(
        label, stops, value=float(value), format_func=lambda stop: format_value(one, stop), **shared
    )
    return int(chosen) if whole else float(chosen)


def _slider(one: Setting, value: float, label: str, shared: dict[str, Any]) -> float:
    low, high = one.minimum or 0.0, 1.0 if one.maximum is None else one.maximum
    step = next((step for step in _SLIDER_STEPS if (high - low) / step <= _MOST_STEPS), 1.0)
    digits = "%.2f" if step < 0.1 else "%.1f" if step < 1 else "%.0f"
    return float(
        st.slider(label, min_value=low, max_value=high, value=value, step=step, format=digits, **shared)
    )


def _word(value: Any) -> str:
    return _WORDS.get(value, str(value)) if isinstance(value, str) else str(value)


def _help(one: Setting) -> str:
    bounds = ""
    if one.kind in {"int", "float"} and one.minimum is not None and one.maximum is not None:
        unit = f" {one.unit}" if one.unit else ""
        bounds = f" From {format_value(one, one.minimum)} to {format_value(one, one.maximum)}{unit}."
    live = " Can change while the run goes." if one.live else ""
    return f"{one.text}{bounds}{live}"


def _whole(bound: float | None) -> int | None:
    return None if bound is None else int(bound)
