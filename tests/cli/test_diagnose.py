"""What ``diagnose`` prints."""

from __future__ import annotations

from edgeft_core.cli.diagnose import told
from edgeft_core.diagnostics.diagnosis import diagnose
from tests.diagnostics.cases import case
from tests.diagnostics.test_causes import FAULTS


def test_the_verdict_comes_first_then_the_causes_with_evidence_fix_and_doubt() -> None:
    found = diagnose(FAULTS["input.range"]).as_dict() | {"error": None}
    lines = told(found).splitlines()
    assert lines[0] == "COLLAPSED since step 100 (now step 600)"
    first = next(line for line in lines if line.startswith("input.range"))
    assert first.endswith("%)")
    assert any("in a new run: data.normalisation=minus_one_to_one" in line for line in lines)
    assert any(line.startswith("  May be a false alarm: ") for line in lines)


def test_no_more_than_three_causes_are_shown_unless_asked_for() -> None:
    found = diagnose(FAULTS["input.range"]).as_dict() | {"error": None}
    found["causes"] = [{**found["causes"][0], "id": f"cause.{number}"} for number in range(5)]
    assert sum(line.startswith("cause.") for line in told(found).splitlines()) == 3
    assert "2 less likely causes" in told(found)
    assert sum(line.startswith("cause.") for line in told(found, every=True).splitlines()) == 5


def test_a_healthy_run_is_said_to_be_healthy() -> None:
    found = diagnose(case()).as_dict() | {"error": None}
    assert told(found).splitlines()[0].startswith("HEALTHY since step 100")
    assert "No cause for concern" in told(found)
