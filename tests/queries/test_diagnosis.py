"""A case from what a run left behind, and the diagnosis that scripts read."""

from __future__ import annotations

import json

import pytest

from edgeft_core.diagnostics.case import Finding, ProbeResult
from edgeft_core.diagnostics.kept import PROBES_FILE, write_findings, write_probes
from edgeft_core.diagnostics.status import STATUSES
from edgeft_core.errors import UnknownRunError
from edgeft_core.queries import case_of, catalog_of, diagnose_run
from edgeft_core.settings import Home
from tests.queries.conftest import STEPS


def test_a_case_holds_what_the_run_recorded(home: Home, run_id: str) -> None:
    case = case_of(home, run_id)
    assert (case.run, case.step, case.n_classes) == (run_id, STEPS, 4)
    assert case.first["loss"] == pytest.approx(4.0 - 1 / 50)
    assert case.signals["val_top1"] == pytest.approx(0.5)
    assert case.tail("loss").steps[-1] == STEPS
    assert case.trails["val_top1"].values == pytest.approx((0.25, 0.5))
    assert sum(case.window_predicted) == 800
    assert case.window_predicted[2] == max(case.window_predicted)


def test_settings_are_those_in_force(home: Home, run_id: str) -> None:
    head = case_of(home, run_id).config.head
    assert (head.scale, head.temperature) == (16.0, 1.0)  # applied; the refused 1e9 is not


def test_probes_and_findings_take_part(home: Home, run_id: str) -> None:
    folder = home.run_folder(run_id)
    write_probes(folder, {"train_eval": ProbeResult("train_eval", {"cos_train_eval": 0.4})})
    write_findings(
        folder, [Finding("labels.copies", "warning", "Copies under two names.", cause="labels.shuffled")]
    )
    told = diagnose_run(home, run_id)
    assert {"mode.train_eval", "labels.shuffled"} <= {one["id"] for one in told["causes"]}
    assert told["probes"][0]["values"] == {"cos_train_eval": 0.4}
    assert told["findings"][0]["check"] == "labels.copies"


def test_a_damaged_file_of_probes_does_not_hide_the_diagnosis(home: Home, run_id: str) -> None:
    (home.run_folder(run_id) / PROBES_FILE).write_text('{"probes": [{"values": 3}, 7', encoding="utf-8")
    assert diagnose_run(home, run_id)["probes"] == []


def test_the_verdict_is_the_one_that_the_worker_wrote(home: Home, run_id: str) -> None:
    written = {"verdict": "stalled", "verdict_since": 40, "verdict_reasons": ["nothing moves"]}
    catalog_of(home).heartbeat(run_id, written)
    told = diagnose_run(home, run_id)
    assert (told["verdict"], told["since_step"], told["reasons"]) == ("stalled", 40, ["nothing moves"])


def test_the_diagnosis_is_json_with_the_promised_keys(home: Home, run_id: str) -> None:
    told = json.loads(json.dumps(diagnose_run(home, run_id), allow_nan=False))
    assert {"run", "step", "verdict", "since_step", "causes", "signals"} <= set(told)
    assert told["verdict"] in STATUSES
    confidences = [one["confidence"] for one in told["causes"]]
    assert confidences == sorted(confidences, reverse=True)


def test_a_run_that_has_not_begun_can_be_asked_about(home: Home, waiting_id: str) -> None:
    told = diagnose_run(home, waiting_id)
    assert (told["step"], told["verdict"]) == (0, "learning")
    assert not [one for one in told["causes"] if one["confidence"] >= 0.5 and one["id"] != "early"]


def test_an_unknown_run_is_said_to_be_unknown(home: Home) -> None:
    with pytest.raises(UnknownRunError):
        diagnose_run(home, "nobody")
