"""The catalogue names what is recorded, once."""

from __future__ import annotations

import pytest

from edgeft_core.diagnostics.catalogue import SIGNALS
from edgeft_core.diagnostics.causes import CAUSES
from edgeft_core.diagnostics.signals import (
    BATCH_SIGNALS,
    EMBEDDING_SIGNALS,
    MARGIN_SIGNALS,
    PROTOTYPE_SIGNALS,
    SPREAD_SIGNALS,
)
from edgeft_core.settings import REPOSITORY


@pytest.mark.parametrize(
    "name", [*BATCH_SIGNALS, *EMBEDDING_SIGNALS, *MARGIN_SIGNALS, *SPREAD_SIGNALS, *PROTOTYPE_SIGNALS]
)
def test_every_computed_signal_is_explained(name: str) -> None:
    assert SIGNALS[name].title
    assert SIGNALS[name].meaning.endswith(".")


def test_the_test_measures_what_validation_does() -> None:
    validated = {name.removeprefix("val_") for name in SIGNALS if name.startswith("val_")}
    tested = {name.removeprefix("test_") for name in SIGNALS if name.startswith("test_")}
    assert validated == tested
    assert {"top1", "top5", "cos_same_image", "cos_different", "d_prime"} <= validated


def test_every_signal_has_a_paragraph_in_the_document() -> None:
    text = (REPOSITORY / "docs" / "signals.md").read_text(encoding="utf-8")
    headings = [line.removeprefix("### ") for line in text.splitlines() if line.startswith("### ")]
    explained = {name.strip() for heading in headings for name in heading.split(",")}
    assert explained == {name for name in SIGNALS if not name.startswith("test_")}


def test_every_cause_has_its_row_in_the_document() -> None:
    text = (REPOSITORY / "docs" / "causes.md").read_text(encoding="utf-8")
    named = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    assert named == list(CAUSES)
