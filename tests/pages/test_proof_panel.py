"""Try this fix on the Diagnosis page: before, while and after it was tried."""

from __future__ import annotations

import time
from dataclasses import asdict, replace

from edgeft_core import queries
from edgeft_core.config_keys import with_values
from edgeft_core.jobs.states import RunState
from edgeft_core.proof.kept import write_progress, write_proof
from edgeft_core.proof.record import Outcome, Proof, Remedy, Twin
from edgeft_core.settings import Home
from edgeft_core.store.contract import RunRecord
from edgeft_core.store.processes import current_process
from tests.pages.test_pages import opened, words
from tests.recorded import recorded_run, small_config
from ui.diagnosis.twins import panels

RANGE = Remedy("input.range", restart={"data.normalisation": "minus_one_to_one"})


def wrong_pixels(home: Home, state: RunState = RunState.FINISHED) -> RunRecord:
    config = with_values(small_config(), {"data.normalisation": "none"})
    return recorded_run(home, config=config, collapsed=True, state=state, steps=60)


def proof(outcome: Outcome = "verified") -> Proof:
    """Twins of a collapse that the fix undoes within 250 steps."""
    steps = tuple(range(5, 251, 5))
    return Proof(
        remedy=RANGE,
        outcome=outcome,
        sentence="Fix verified: largest class 52 % \u2192 3.0 %, 5 \u2192 300 classes (guessing 1.0 %).",
        reasons=("Top-5 of 1024 training images: clearly better.",),
        start="beginning",
        start_text="from the beginning, for what the backbone sees changes and no trained head fits that",
        steps=250,
        n_classes=518,
        without=_twin(steps, share=0.52, classes=5.0, top5=0.01),
        with_fix=_twin(steps, share=0.03, classes=300.0, top5=0.6),
        notes=("250 steps each on the CPU, the same images in the same order.",),
        run_step=300,
        took_s=41.0,
        at="2026-01-01T00:00:00+00:00",
    )


def _twin(steps: tuple[int, ...], *, share: float, classes: float, top5: float) -> Twin:
    done = [step / steps[-1] for step in steps]
    series: dict[str, tuple[float | None, ...]] = {
        "max_class_share": tuple(1.0 + (share - 1.0) * one**0.3 for one in done),
        "effective_classes": tuple(1.0 + (classes - 1.0) * one for one in done),
        "top5": tuple(0.008 + (top5 - 0.008) * one**2 for one in done),
    }
    measured = {"max_class_share": share, "effective_classes": classes, "top5": top5, "window_images": 1024.0}
    return Twin(steps, series, measured)


def labels(home: Home, run: RunRecord) -> tuple[str, list[str]]:
    """The page's words and its buttons."""
    app = opened("diagnosis", run.id)
    assert not app.exception
    return words(app), [button.label for button in app.button]


def test_a_fix_that_is_a_setting_can_be_tried(home: Home) -> None:
    text, buttons = labels(home, wrong_pixels(home))
    assert "Try this fix" in buttons
    assert "the run is not changed" in text
    assert "Start a run with this fix" not in buttons, "nothing was proven so far"


def test_a_verified_fix_is_shown_with_a_button_that_gives_it_to_a_new_run(home: Home) -> None:
    run = wrong_pixels(home)
    write_proof(home.run_folder(run.id), proof())
    text, buttons = labels(home, run)
    assert "Fix verified: largest class 52 %" in text.replace("\\", "")
    assert "Tried at step 300, from the beginning" in text.replace("\\", "")
    assert {"Start a run with this fix", "Try this fix again"} <= set(buttons)


def test_a_fix_that_did_not_help_cannot_be_applied_with_a_click(home: Home) -> None:
    run = wrong_pixels(home)
    for outcome in ("no_effect", "worse", "could_not_run"):
        write_proof(home.run_folder(run.id), replace(proof(), outcome=outcome, sentence=f"Told: {outcome}."))
        text, buttons = labels(home, run)
        assert f"Told: {outcome}" in text.replace("\\", "")
        assert "Try this fix again" in buttons
        assert "Start a run with this fix" not in buttons


def test_while_a_fix_is_tried_its_card_says_how_far_and_how_long_still(home: Home) -> None:
    run = wrong_pixels(home)
    told = {"running": True, "cause": "input.range", "what": "Steps of both", "done": 120, "total": 250}
    write_progress(
        home.run_folder(run.id), {**told, "began_at": time.time() - 20, **asdict(current_process())}
    )
    app = opened("diagnosis", run.id)
    assert not app.exception
    bars = [one.proto.text for one in app.get("progress")]
    assert any("Steps of both 120 of 250" in text.replace("\\", "") and "left" in text for text in bars), bars
    assert "Try this fix" not in [button.label for button in app.button if not button.disabled]


def test_each_chart_of_the_twins_has_something_to_compare_with() -> None:
    largest, classes, accuracy = panels(proof())
    assert largest.references[0].text == "labels and guessing"
    assert classes.references[0].value == 518
    assert (accuracy.key, round(accuracy.references[0].value, 2)) == ("top5", 0.97)
    few = panels(replace(proof(), n_classes=10))
    assert few[2].key == "top1", "with ten classes guessing's Top-5 is a half"


def test_what_was_tried_is_part_of_the_diagnosis(home: Home) -> None:
    run = wrong_pixels(home)
    write_proof(home.run_folder(run.id), proof())
    found = queries.diagnose_run(home, run.id)
    told = {cause["id"]: cause["proof"] for cause in found["causes"]}
    assert told["input.range"]["outcome"] == "verified"
    assert all(one is None for cause, one in told.items() if cause != "input.range")
    assert queries.proof_to_apply(home, run.id).cause == "input.range"
