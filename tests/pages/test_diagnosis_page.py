"""The Diagnosis page: empty, healthy, collapsed, with experiments that ran and that could not."""

from __future__ import annotations

import json

from edgeft_core import queries
from edgeft_core.config_keys import with_values
from edgeft_core.diagnostics.case import ProbeResult
from edgeft_core.diagnostics.causes import CAUSES, Cause, Fix
from edgeft_core.diagnostics.causes.names import CAUSE_NAMES
from edgeft_core.diagnostics.diagnosis import Diagnosis
from edgeft_core.diagnostics.kept import write_probes
from edgeft_core.diagnostics.probes import PROBES
from edgeft_core.diagnostics.status import STATUSES, Verdict
from edgeft_core.jobs.states import RunState
from edgeft_core.settings import Home
from edgeft_core.store.contract import RunRecord
from tests.pages.test_pages import opened, words
from tests.recorded import recorded_run, small_config
from ui import verdicts
from ui.diagnosis.causes import divided
from ui.diagnosis.experiments import EXPERIMENTS, remaining_s, result_rows, share_done


def wrong_pixels(home: Home, state: RunState = RunState.FINISHED) -> RunRecord:
    """A collapsed run whose pixels were fed as 0 to 255."""
    config = with_values(small_config(), {"data.normalisation": "none"})
    return recorded_run(home, config=config, collapsed=True, state=state, steps=60)


def test_an_empty_home_is_told_what_to_do_next(home: Home) -> None:
    app = opened("diagnosis")
    assert "Nothing to diagnose yet" in words(app)
    assert [button.label for button in app.button] == ["Launch a run"]


def test_a_collapsed_run_shows_its_cause_with_evidence_doubt_and_the_settings_that_mend_it(
    home: Home,
) -> None:
    app = opened("diagnosis", wrong_pixels(home).id)
    text = words(app)
    assert "1. Pixels are not in the range that the backbone expects" in text
    assert "`input.range`" in text
    assert "May be a false alarm." in text
    tables = " ".join(str(one.value.to_dict()) for one in app.table)
    assert "feeds pixels as 0 to 255" in tables
    assert "none (0 to 255)" in tables.replace("\\", "")
    assert "in a new run" in tables
    assert not app.error


def test_never_more_than_three_causes_are_shown_at_first() -> None:
    names = ("input.range", "weights.missing", "early", "lr.too_high", "head.collapsed")
    causes = tuple(Cause(name, 0.9 - 0.1 * place, (), "", "", Fix("")) for place, name in enumerate(names))
    first, others = divided(Diagnosis("run", 10, Verdict("watch"), causes, {}))
    assert [one.id for one in first] == ["input.range", "weights.missing", "lr.too_high"]
    assert [one.id for one in others] == ["early", "head.collapsed"]


def test_a_faint_cause_is_shown_only_where_the_verdict_asks_for_an_explanation() -> None:
    causes = (Cause("lr.too_high", 0.2, (), "", "", Fix("")),)
    assert divided(Diagnosis("run", 10, Verdict("healthy"), causes, {}))[0] == []
    assert divided(Diagnosis("run", 10, Verdict("stalled"), causes, {}))[0] == [*causes]


def test_a_healthy_run_says_plainly_that_nothing_was_found_and_what_was_looked_at(home: Home) -> None:
    app = opened("diagnosis", recorded_run(home, steps=200).id)
    assert "Nothing was found that is wrong." in words(app)
    (table,) = app.table
    assert {"Top-1", "Largest class"} <= {one.replace("\\", "") for one in table.value["Number"]}
    assert f"{len(CAUSES)} causes were considered" in words(app)


def test_results_of_experiments_stand_beside_their_references(home: Home) -> None:
    run = recorded_run(home)
    results = {
        "nearest_class_mean": ProbeResult(
            "nearest_class_mean", {"ncm_top1": 0.5, "chance": 0.083}, "Right for half of them."
        ),
        "memorise": ProbeResult("memorise", error="There are too few images."),
    }
    write_probes(home.run_folder(run.id), results)
    app = opened("diagnosis", run.id)
    text = words(app).replace("\\", "")
    assert "Right for half of them." in text
    assert "Could not run." in text
    assert "There are too few images." in text
    assert result_rows(results["nearest_class_mean"]) == [
        {"": "nearest class mean is right", "Measured": "50.0 %", "Compare with": "guessing 8.3 %"}
    ]


def test_a_run_that_waits_can_be_looked_at(home: Home) -> None:
    app = opened("diagnosis", recorded_run(home, state=RunState.QUEUED).id)
    assert "the run has made no step" in words(app)
    assert not app.error


def test_every_cause_verdict_and_experiment_has_its_words() -> None:
    assert set(CAUSE_NAMES) == set(CAUSES)
    assert tuple(EXPERIMENTS) == tuple(PROBES)
    assert set(verdicts.MEANINGS) == set(verdicts.SENTENCES) == set(STATUSES)


def test_the_remaining_time_shrinks_as_experiments_get_done() -> None:
    assert share_done(0) == 0.0
    assert share_done(len(EXPERIMENTS)) == 1.0
    assert remaining_s(len(EXPERIMENTS), 20.0) == 0.0
    assert remaining_s(4, 6.0) > remaining_s(6, 12.0)


def test_verdicts_of_a_run_that_was_recorded_again_replace_the_earlier_ones(home: Home) -> None:
    run = recorded_run(home, state=RunState.STARTING)
    catalog = queries.catalog_of(home)
    for step, status in (
        (0, "learning"),
        (40, "collapsed"),
        (60, "watch"),
        (40, "collapsed"),
        (70, "collapsed"),
    ):
        catalog.add_history(run.id, "verdict", status, step=step, data=json.loads('{"reasons": ["seen"]}'))
    spans = queries.verdict_spans(home, run.id, 90)
    assert [(one.status, one.start, one.end) for one in spans] == [("learning", 0, 40), ("collapsed", 40, 90)]
