"""``autopilot`` on the command line: on, off, what it does, and what is refused."""

from __future__ import annotations

import pytest

from edgeft_core import jobs
from edgeft_core.autopilot.record import Autopilot, Phase
from edgeft_core.presets import PRESETS
from edgeft_core.settings import Home
from edgeft_core.store.catalog import SqlCatalog
from tests.cli.conftest import Command


@pytest.fixture(autouse=True)
def a_run(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeft_core.jobs.dispatcher.ensure", lambda _: None)
    jobs.launch(home, PRESETS["smoke"](), name="mine")


def test_it_is_off_until_it_is_switched_on_and_tells_what_it_does(
    edgeft: Command, catalog: SqlCatalog
) -> None:
    assert edgeft("autopilot", "mine").out == "autopilot off\n"
    said = edgeft("autopilot", "mine", "--on", "--max-acts", "3")
    reason = "Switched on by the command line, for at most 3 acts."
    assert (said.code, said.out) == (0, f"autopilot watching, 0 of 3 acts: {reason}\n")
    assert Autopilot.of(catalog.run("mine")).phase is Phase.WATCHING
    shown = edgeft("show", "mine", "--json").json["autopilot"]
    assert (shown["on"], shown["phase"], shown["acts"], shown["max_acts"]) == (True, "watching", 0, 3)
    assert shown["reason"] == reason
    assert edgeft("autopilot", "mine", "--json").json == {"run": catalog.run("mine").id, **shown}
    assert f"  autopilot watching, 0 of 3 acts: {reason}" in edgeft("show", "mine").out
    assert edgeft("autopilot", "mine", "--off").out == "autopilot off: Switched off by the command line.\n"
    assert not Autopilot.of(catalog.run("mine")).is_on


def test_a_run_can_be_started_with_it(edgeft: Command, catalog: SqlCatalog) -> None:
    words = ("--set", "autopilot.enabled=true", "--set", "autopilot.max_acts=1")
    edgeft("train", "--preset", "smoke", "--name", "watched", *words)
    pilot = Autopilot.of(catalog.run("watched"))
    assert (pilot.is_on, pilot.max_acts) == (True, 1)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("mine", "--max-acts", "2"), "--max-acts goes with --on"),
        (("mine", "--on", "--max-acts", "21"), "autopilot.max_acts"),
        (("nobody", "--on"), "No run nobody"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    edgeft: Command, words: tuple[str, ...], sentence: str
) -> None:
    said = edgeft("autopilot", *words)
    assert said.code == 2
    assert sentence in said.err
