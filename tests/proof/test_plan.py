"""From a fix to two configs and a place to start from."""

from __future__ import annotations

from typing import Any

import pytest

from edgeft_core.config_keys import value_of
from edgeft_core.errors import ConfigError, RequestError
from edgeft_core.presets import PRESETS
from edgeft_core.proof.plan import plan, remedy_of
from edgeft_core.proof.record import Remedy

CONFIG = PRESETS["collapse-demo"]()


@pytest.mark.parametrize(
    ("remedy", "start"),
    [
        (Remedy(live={"head.centre": True}), "checkpoint"),
        (Remedy(live={"stages.0.head_lr": 1e-4}, rewind=True), "before_trouble"),
        (Remedy(restart={"data.normalisation": "minus_one_to_one"}), "beginning"),
        (Remedy(restart={"backbone.weights": "none"}, rewind=True), "beginning"),
        (Remedy(live={"head.scale": 8.0}, restart={"stages.0.warmup_steps": 50}), "checkpoint"),
    ],
)
def test_twins_start_where_a_trained_head_still_fits(remedy: Remedy, start: str) -> None:
    chosen = plan(CONFIG, remedy)
    assert chosen.start == start
    assert chosen.without == CONFIG
    assert {key: value_of(chosen.with_fix, key) for key in remedy.changes} == remedy.changes


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "this fix is no setting"),
        ({"head.scale": 32.0}, "head.scale=32.0 is in force already"),
        ({"data.identities": 9}, "data.identities would give the twins other images"),
        ({"seed": 1, "head.scale": 8.0}, "seed would give the twins other images"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_reason(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        plan(CONFIG, Remedy(restart=changes))


def test_chosen_changes_are_sorted_into_live_and_restart() -> None:
    remedy = remedy_of(CONFIG, {"head.scale": "8", "data.normalisation": "imagenet", "head.centre": "true"})
    assert remedy == Remedy(
        "custom", live={"head.scale": 8.0, "head.centre": True}, restart={"data.normalisation": "imagenet"}
    )
    with pytest.raises(ConfigError, match="did you mean"):
        remedy_of(CONFIG, {"head.scal": 1})
