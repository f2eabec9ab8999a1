"""A few dozen made-up cases of everything that can be thrown at EdgeFT; ``benchmarks/fuzz.py`` tries thousands."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from edgeft_core.jobs import dispatcher
from edgeft_core.settings import Home
from tests.fuzzing import TARGETS, check

CASES = 25


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_comes_is_told_in_a_sentence_or_works(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(home: Home) -> None:
        """Made-up runs wait; they are not trained."""

    monkeypatch.setattr(dispatcher, "ensure", nobody)

    @settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(TARGETS[name][0])
    def tried(case: object) -> None:
        check(name, case)

    tried()
