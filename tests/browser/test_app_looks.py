"""Every page at both widths and in both themes: nothing overflows, every chart is drawn; pictures to look at.

EDGEFT_SCREENSHOTS names a folder to keep the pictures in.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from edgeft_core import queries
from edgeft_core.jobs.states import RunState
from edgeft_core.settings import Home
from tests.browser.conftest import StartServer
from tests.jobs.conftest import end_processes
from tests.recorded import recorded_run

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
WIDTHS = {1280: 900, 1920: 1080}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
CHARTS = 9


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go."""
    folder = Path(os.environ.get("EDGEFT_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, dict[str, str]]]:
    """A home with a run in every state that looks different, by name."""
    home = Home(tmp_path_factory.mktemp("looks") / "home").ensure()
    runs = {
        "finished": recorded_run(home, "finished", steps=400),
        "collapsed": recorded_run(home, "collapsed", steps=400, collapsed=True),
        "lost": recorded_run(home, "lost", state=RunState.LOST, error="Its worker ended without a word."),
        "running": recorded_run(home, "running", steps=200, state=RunState.RUNNING),
        "queued": recorded_run(home, "queued", state=RunState.QUEUED),
    }
    home.log_file(runs["lost"].id).write_text("step 39 ...\nKilled\n", encoding="utf-8")
    yield home, {name: run.id for name, run in runs.items()}
    end_processes(home)
    queries.forget(home)


@pytest.fixture(
    params=[(width, theme) for width in WIDTHS for theme in THEMES], ids=lambda one: f"{one[0]}-{one[1]}"
)
def view(request: pytest.FixtureRequest, browser: Browser) -> Iterator[tuple[Page, str]]:
    """A page of one width and theme, and the name of both."""
    width, theme = request.param
    context = browser.new_context(viewport={"width": width, "height": WIDTHS[width]}, color_scheme=theme)
    context.set_default_timeout(60_000)
    yield context.new_page(), f"{width}-{theme}"
    context.close()


def settle(page: Page, charts: int = 0) -> None:
    """Wait until the page's script has run and its charts are drawn."""
    page.locator(".st-key-frame").wait_for()
    page.wait_for_function(
        """charts => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState !== 'running'
          && document.querySelectorAll('.st-key-charts .edgeft-chart-plot .main-svg').length >= charts""",
        arg=charts,
    )
    page.wait_for_timeout(1200)


def check(page: Page, picture: Path) -> None:
    """Keep a picture of the page from top to bottom; nothing may be wider than the page."""
    main = page.get_by_test_id("stMain")
    wide, seen = main.evaluate("n => [n.scrollWidth, n.clientWidth]")
    assert wide <= seen + 1, f"{picture.stem} is wider than the page"
    size = page.viewport_size
    assert size is not None
    height = max(size["height"], int(main.evaluate("n => n.scrollHeight")) + 8)
    page.set_viewport_size({"width": size["width"], "height": height})
    page.wait_for_timeout(500)
    page.screenshot(path=picture)
    page.set_viewport_size(size)
    assert page.get_by_test_id("stException").count() == 0


def test_filled_pages(
    view: tuple[Page, str], filled: tuple[Home, dict[str, str]], streamlit_server: StartServer, pictures: Path
) -> None:
    page, name = view
    home, runs = filled
    address = streamlit_server(ROOT / "app.py", {"EDGEFT_HOME": str(home.root)})
    for which, run in runs.items():
        page.goto(f"{address}/live?run={run}")
        settle(page, 0 if which == "queued" else CHARTS)
        check(page, pictures / f"live-{which}-{name}.png")
    for which in ("samples", "runs", "launch"):
        page.goto(f"{address}/{which}?run={runs['finished']}")
        settle(page)
        check(page, pictures / f"{which}-{name}.png")


def test_empty_pages(
    view: tuple[Page, str],
    tmp_path_factory: pytest.TempPathFactory,
    streamlit_server: StartServer,
    pictures: Path,
) -> None:
    page, name = view
    home = tmp_path_factory.getbasetemp() / "empty-home"
    address = streamlit_server(ROOT / "app.py", {"EDGEFT_HOME": str(home)})
    for which in ("live", "samples", "runs"):
        page.goto(f"{address}/{which}")
        settle(page)
        check(page, pictures / f"{which}-empty-{name}.png")
