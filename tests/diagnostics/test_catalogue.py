"""The catalogue names what is recorded, once."""

from __future__ import annotations

import pytest

from edgeft_core.diagnostics.catalogue import SIGNALS
from edgeft_core.diagnostics.signals import BATCH_SIGNALS, HEAVY_SIGNALS, MARGIN_SIGNALS


@pytest.mark.parametrize("name", [*BATCH_SIGNALS, *HEAVY_SIGNALS, *MARGIN_SIGNALS])
def test_every_computed_signal_is_explained(name: str) -> None:
    assert SIGNALS[name].title
    assert SIGNALS[name].meaning.endswith(".")


def test_the_test_measures_what_validation_does() -> None:
    validated = {name.removeprefix("val_") for name in SIGNALS if name.startswith("val_")}
    tested = {name.removeprefix("test_") for name in SIGNALS if name.startswith("test_")}
    assert validated == tested
    assert {"top1", "top5", "cos_same_image", "cos_different", "d_prime"} <= validated
