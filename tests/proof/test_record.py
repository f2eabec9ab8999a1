"""Proofs as files: what is written is read, one per cause, whatever else lies there."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from edgeft_core.proof.kept import FOLDER, read_progress, read_proof, read_proofs, write_progress, write_proof
from edgeft_core.proof.record import Proof, Remedy, Twin

TWIN = Twin((1, 2), {"top5": (0.1, None)}, {"top5": 0.1}, "")
PROOF = Proof(
    remedy=Remedy("input.range", restart={"data.normalisation": "minus_one_to_one"}),
    outcome="verified",
    sentence="Fix verified: all is well.",
    reasons=("a", "b"),
    start="beginning",
    start_text="from the beginning",
    steps=250,
    n_classes=518,
    without=TWIN,
    with_fix=replace(TWIN, broke="it broke"),
    notes=("few images",),
    run_step=300,
    took_s=40.0,
    at="2026-01-01T00:00:00+00:00",
)


def test_a_proof_comes_back_as_it_was(tmp_path: Path) -> None:
    write_proof(tmp_path, PROOF)
    assert read_proof(tmp_path, "input.range") == PROOF
    assert read_proof(tmp_path, "lr.too_low") is None


def test_there_is_one_proof_per_cause_the_latest(tmp_path: Path) -> None:
    write_proof(tmp_path, PROOF)
    write_proof(tmp_path, replace(PROOF, outcome="worse"))
    own = replace(PROOF, remedy=Remedy(live={"head.scale": 8.0}))
    write_proof(tmp_path, own)
    assert read_proofs(tmp_path) == {"custom": own, "input.range": replace(PROOF, outcome="worse")}


def test_numbers_that_are_not_finite_leave_a_gap(tmp_path: Path) -> None:
    odd = Twin((1, 2), {"loss": (math.nan, 2.0)}, {"loss": math.inf, "top5": 0.1})
    write_proof(tmp_path, replace(PROOF, without=odd))
    found = read_proof(tmp_path, "input.range")
    assert found is not None
    assert found.without == Twin((1, 2), {"loss": (None, 2.0)}, {"top5": 0.1})


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"outcome": "verified"}', '{"outcome": 3, "remedy": 4}'])
def test_a_damaged_file_reads_as_no_proof(tmp_path: Path, text: str) -> None:
    write_proof(tmp_path, replace(PROOF, remedy=Remedy("lr.too_low")))
    (tmp_path / FOLDER / "input.range.proof.json").write_text(text)
    assert read_proof(tmp_path, "input.range") is None
    assert list(read_proofs(tmp_path)) == ["lr.too_low"]


def test_a_file_of_a_newer_version_is_read_as_far_as_it_is_known(tmp_path: Path) -> None:
    data = {**PROOF.as_dict(), "version": 9, "outcome": "splendid", "colour": "blue"}
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "input.range.proof.json").write_text(json.dumps(data))
    found = read_proof(tmp_path, "input.range")
    assert found is not None
    assert (found.version, found.outcome, found.steps) == (9, "could_not_run", 250)


def test_a_run_that_was_deleted_does_not_come_back(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    with pytest.raises(FileNotFoundError):
        write_proof(gone, PROOF)
    with pytest.raises(FileNotFoundError):
        write_progress(gone, {"running": True})
    assert not gone.exists()
    assert read_progress(gone) == {}
    assert read_proofs(gone) == {}


def test_the_name_of_a_cause_cannot_leave_the_folder(tmp_path: Path) -> None:
    write_proof(tmp_path, replace(PROOF, remedy=Remedy("../../evil")))
    assert [path.parent for path in tmp_path.rglob("*.proof.json")] == [tmp_path / FOLDER]
