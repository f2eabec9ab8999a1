"""The lab itself: a component that gets the cosines once and then computes in the browser, whenever a slider moves."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
import streamlit as st

from edgeft_core.config import HeadConfig, RunConfig
from edgeft_core.config_keys import settings_of
from edgeft_core.figures.what_if import ink, spoken
from edgeft_core.labs.what_if.landmarks import landmarks
from edgeft_core.labs.what_if.sample import LabSample
from ui.what_if.assets import module_url

_KEY: Final = "what_if.lab"
_SENT: Final = "edgeft.what_if.sent"
_SETTINGS: Final = tuple(HeadConfig.model_fields)

# The code itself is fetched once per page; what Streamlit resends with every update is only this line.
_LOADER: Final = """
export default (component) => {
  window.edgeftWhatIf ??= import(new URL(component.data.module, location.origin).href)
    .catch((error) => { window.edgeftWhatIf = undefined; throw error; });
  return window.edgeftWhatIf.then((module) => module.mount(component));
}
"""
_mount = st.components.v2.component("edgeft_what_if", js=_LOADER, isolate_styles=False)


@dataclass(frozen=True)
class Asked:
    """What the user wants done with the values."""

    verb: Literal["apply", "start"]
    head: HeadConfig


@dataclass(frozen=True)
class Apply:
    """Whether values can go to a running job.

    Attributes:
        shown: whether there is a run at all.
        why: a sentence where they cannot.
    """

    shown: bool
    can: bool
    why: str = ""


@dataclass(frozen=True)
class Said:
    """The answer to what was asked last."""

    text: str = ""
    wrong: bool = False


def lab(
    sample: LabSample, names: Sequence[str], head: HeadConfig, *, apply: Apply, said: Said
) -> Asked | None:
    """Draw it; ``head`` holds the settings in force. Answers what was asked for since."""
    token = token_of(sample)
    data: dict[str, Any] = {
        "module": module_url(),
        "token": token,
        "head": head.model_dump(),
        "settings": {name: _described(name) for name in _SETTINGS},
        "landmarks": asdict(landmarks(sample.n_classes)),
        "words": spoken(),
        "ink": ink(),
        "apply": asdict(apply),
        "said": asdict(said),
    }
    if st.session_state.get(_SENT) != token:
        data["sample"] = packed(sample, names)
        st.session_state[_SENT] = token
    result = _mount(
        key=_KEY,
        data=data,
        on_asked_change=_nothing,
        on_resend_change=_resend,
    )
    return _asked(result.get("asked"))


def token_of(sample: LabSample) -> str:
    """Names the numbers that a browser has or lacks."""
    digest = hashlib.sha1(usedforsecurity=False)
    for array in (sample.cos_NC, sample.centred_NC, sample.labels_N):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def packed(sample: LabSample, names: Sequence[str]) -> dict[str, Any]:
    """What travels once: 4 bytes a cosine, with and without centring."""
    return {
        "cos": _base64(sample.cos_NC),
        "centred": _base64(sample.centred_NC),
        "rival": _base64(sample.rival_N),
        "centred_rival": _base64(sample.centred_rival_N),
        "labels": sample.labels_N.tolist(),
        "classes": sample.n_classes,
        "dim": sample.dim,
        "names": list(names),
    }


def _base64(array: Any) -> str:
    return base64.b64encode(np.ascontiguousarray(array, dtype="<f4").tobytes()).decode("ascii")


def _described(name: str) -> dict[str, Any]:
    return asdict(settings_of(RunConfig())[f"head.{name}"])


def _asked(value: Any) -> Asked | None:
    if not isinstance(value, Mapping) or value.get("verb") not in {"apply", "start"}:
        return None
    return Asked(value["verb"], HeadConfig.model_validate(dict(value["head"])))


def _resend() -> None:
    """The browser lacks the sample (it was reloaded, or has seen others since): this run sends it."""
    st.session_state.pop(_SENT, None)


def _nothing() -> None:
    """Streamlit reports a trigger only where it has a callback."""
