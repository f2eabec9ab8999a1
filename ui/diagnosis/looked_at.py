"""What the diagnosis looked at, each number beside what it is compared with: silence never means "not looked at"."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import streamlit as st

from edgeft_core.diagnostics.case import Case
from edgeft_core.diagnostics.catalogue import SIGNALS
from edgeft_core.diagnostics.causes import CAUSES
from edgeft_core.diagnostics.chance import max_share_chance, top_k_band
from edgeft_core.diagnostics.theory import effective_scale, random_logit_std
from edgeft_core.figures import theme
from ui.diagnosis.numbers import shown
from ui.launch.findings import LEVEL_WORDS
from ui.messages import escape, prose


def looked_at(case: Case) -> None:
    """The table, then what was checked before training and by experiment."""
    if rows := list(signal_rows(case)):
        st.table(rows, border="horizontal", hide_index=True)
    st.caption("  \n".join(sentences(case)))
    for one in case.findings:
        st.caption(f"{LEVEL_WORDS[one.level]} {prose(one.text)}")


def signal_rows(case: Case) -> Iterator[dict[str, str]]:
    """The latest number of each signal that decides, and its reference."""
    for name, reference in references(case).items():
        value = case.signal(name)
        if value is not None:
            yield {
                "Number": escape(SIGNALS[name].title),
                "Now": shown(name, value),
                "Compare with": escape(reference),
            }


def references(case: Case) -> dict[str, str]:
    """Signal -> what to compare it with, for the settings in force."""
    classes = max(2, case.n_classes)
    images = max(1, int(case.signal("window_images") or 1))
    s_eff = effective_scale(case.config.head.scale, case.config.head.temperature)
    spread = random_logit_std(s_eff, case.config.backbone.embedding_dim)
    label_share = case.signal("label_max_share") or 0.0
    largest = max(max_share_chance(classes, images), label_share)
    return {
        "top1_running": f"guessing {_percent(1 / classes)}, at most {_percent(top_k_band(1, classes, images)[1])}",
        "val_top1": f"guessing {_percent(1 / classes)}",
        "max_class_share": f"labels and guessing explain {_percent(largest)}",
        "effective_classes": f"1 = collapse, {classes} = spread evenly",
        "cos_different": "0 = unrelated, 1 = one point",
        "collapse_level": "0 = spread evenly, 1 = one point",
        "logit_std_samples": f"random directions {theme.format_number(spread)}",
        "mutual_information": f"0 = the input is ignored, at most {theme.format_number(math.log(classes))}",
        "loss": f"guessing {theme.format_number(math.log(classes))} nats, without margin",
        "update_ratio_head": "0 = not trained",
        "update_ratio_backbone": "0 = not trained, above 1e-2 = too hot",
        "head_cos_mean": "0 = unrelated, 1 = merged",
    }


def sentences(case: Case) -> list[str]:
    """What else was looked at, and what was not."""
    return [
        f"{len(CAUSES)} causes were considered.",
        _weights(case.weights),
        _before_training(case),
        _experiments(case),
    ]


def _weights(account: Mapping[str, Any]) -> str:
    told = str(account.get("summary") or "")
    return f"Weights: {escape(told)}" if told else "Weights: not loaded yet, or none were asked for."


def _before_training(case: Case) -> str:
    if not case.findings:
        return "Before training: no check found anything, or none was made (Launch makes one)."
    levels = [one.level for one in case.findings]
    told = ", ".join(f"{levels.count(one)} {one}" for one in ("blocking", "warning", "info") if one in levels)
    return f"Before training: {told}."


def _experiments(case: Case) -> str:
    ran = [one for one in case.probes.values() if not one.error]
    if not ran:
        return "Experiments: none was run yet."
    return f"Experiments: {len(ran)} ran, the last on the weights of step {max(one.step for one in ran)}."


def _percent(share: float) -> str:
    return theme.format_percent(share)
