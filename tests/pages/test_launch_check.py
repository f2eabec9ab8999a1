"""The check beside the launch form: what it says, what it changes, and that it asks before a run that is blocked."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from edgeft_core import queries
from edgeft_core.config import RunConfig
from edgeft_core.diagnostics.case import Finding
from edgeft_core.diagnostics.kept import read_findings
from edgeft_core.preflight.kept import keep_report
from edgeft_core.preflight.report import Passed, PreflightReport
from edgeft_core.presets import smoke
from edgeft_core.settings import Home
from tests.pages.test_pages import opened, words

PIXELS = Finding(
    "embeddings.input_range",
    "blocking",
    "Different people have a mean cosine of 0.99.",
    cause="input.range",
    fix={"data.normalisation": "imagenet"},
)
SEEN = Passed("data.unreadable", "All 240 images can be read.")


def launch_page(home: Home, *findings: Finding) -> AppTest:
    """The form at the preset ``smoke``, whose check was made before and found this."""
    keep_report(home.cache, smoke(), PreflightReport(findings=findings, passed=(SEEN,), took_s=4.0))
    app = opened("launch")
    return app.selectbox(key="launch.preset").set_value("smoke").run()


def runs(home: Home) -> list[RunConfig]:
    return [one.config for one in queries.catalog_of(home).runs()]


def press(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def test_a_form_that_was_checked_before_shows_the_answer_at_once(home: Home) -> None:
    app = launch_page(home)
    text = words(app)
    assert "Checked, nothing to mend" in text
    assert "All 240 images can be read" in text
    assert not app.exception


def test_a_form_that_is_new_waits_until_it_rests(home: Home) -> None:
    app = opened("launch")
    assert "Checked" not in words(app)
    assert not app.exception


def test_a_blocking_finding_says_what_would_mend_it_and_puts_it_into_the_form(home: Home) -> None:
    app = launch_page(home, PIXELS)
    text = words(app)
    assert "1 blocking" in text
    assert "`input.range`" in text.replace("\\", "")
    assert "ImageNet statistics" in text
    app = press(app, "finding.use.0")
    assert not app.exception
    assert app.selectbox(key="launch.smoke.data.normalisation").value == "imagenet"


def test_a_blocking_finding_asks_before_it_starts(home: Home) -> None:
    app = press(launch_page(home, PIXELS), "launch.start")
    assert "Start anyway" in {button.label for button in app.button}
    assert not runs(home)


def test_going_back_to_the_form_starts_nothing(home: Home) -> None:
    app = press(launch_page(home, PIXELS), "launch.start")
    press(app, "launch.back")
    assert not runs(home)


def test_a_form_without_blocking_findings_starts_at_once(home: Home) -> None:
    high = Finding("settings.rates", "warning", "The rate is high.")
    press(launch_page(home, high), "launch.start")
    (run,) = queries.catalog_of(home).runs()
    assert run.config == smoke()
    assert read_findings(home.run_folder(run.id)) == (high,)


def test_a_start_while_the_check_runs_waits_for_it_and_can_be_hurried(home: Home) -> None:
    app = opened("launch").selectbox(key="launch.preset").set_value("smoke").run()
    app = press(app, "launch.start")
    assert not runs(home)
    assert "starts by itself when the check" in words(app)
    assert app.button(key="launch.start").label == "Start now"
    press(app, "launch.start")
    assert len(runs(home)) == 1
