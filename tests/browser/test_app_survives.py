"""What the app is for, on real jobs: wrong input is named, a user's folder trains, a job outlives its server."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from edgeft_core import jobs, queries
from edgeft_core.config_keys import with_values
from edgeft_core.jobs import control
from edgeft_core.jobs.states import ENDED, RunState
from edgeft_core.presets import PRESETS, smoke
from edgeft_core.settings import DEMO_WEIGHTS, Home
from tests.browser.conftest import StartServer
from tests.waiting import insist, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.usefixtures("patience")]

ROOT = Path(__file__).resolve().parents[2]
FACES = Path(os.environ.get("EDGEFT_ATT_FACES", ROOT.parent / "shared" / "data" / "att_faces"))
PATIENCE_MS = 120_000


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def serve(streamlit_server: StartServer, home: Home, name: str = "first") -> str:
    """A server of its own per ``name``."""
    roots = os.pathsep.join([str(home.root.parent), str(FACES.parent)])
    return streamlit_server(
        ROOT / "app.py",
        {"EDGEFT_HOME": str(home.root), "EDGEFT_TEST_SERVER": name, "EDGEFT_DATA_ROOTS": roots},
    )


def server_process(url: str) -> psutil.Process:
    port = url.rsplit(":", 1)[-1]
    return next(one for one in psutil.Process().children() if port in one.cmdline())


def await_end(home: Home, run_id: str) -> None:
    wait_until(lambda: queries.catalog_of(home).run(run_id).state in ENDED, "the run ends", 240)


def end(home: Home, run_id: str) -> None:
    if queries.catalog_of(home).run(run_id).state not in ENDED:
        control.stop(home, run_id)
    await_end(home, run_id)


@pytest.mark.skipif(not FACES.is_dir(), reason=f"no real faces in {FACES}")
def test_a_folder_of_real_faces_is_previewed_trained_and_shown(
    page: Page, home: Home, streamlit_server: StartServer
) -> None:
    page.goto(f"{serve(streamlit_server, home)}/launch")
    page.get_by_role("combobox", name="Preset").click()
    page.get_by_role("option", name="smoke", exact=True).click()
    folder = page.get_by_role("textbox", name="Folder")
    source = page.get_by_role("radio", name="a folder of mine")
    insist(source.click, folder.is_visible, "the folder is asked for")
    folder.fill(str(FACES / "missing"))
    folder.press("Enter")
    expect(page.get_by_text("no such folder")).to_be_visible()
    folder.fill(str(FACES))
    folder.press("Enter")
    expect(page.get_by_text("40 identities, 400 images, 10 of each")).to_be_visible()
    page.get_by_role("radio", name="1", exact=True).click()  # the head alone: seconds instead of minutes
    page.get_by_label("Name of the run").fill("real faces")
    page.get_by_label("Name of the run").press("Tab")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page).to_have_url(re.compile(r"/live\?run="), timeout=180_000)  # checked first
    wait_until(lambda: queries.catalog_of(home).run("real faces").state in ENDED, "the run ends", 240)
    run = queries.catalog_of(home).run("real faces")
    assert run.state is RunState.FINISHED, run.error
    page.get_by_role("link", name="Samples").click()
    faces = page.locator(".face img")
    faces.first.wait_for()
    assert faces.first.evaluate("n => n.naturalWidth") == 112
    expect(page.locator(".face").first).to_contain_text(re.compile(r"s\d+"))


@pytest.mark.skipif(not DEMO_WEIGHTS.is_file(), reason="the demo weights are not there")
def test_unnormalised_pixels_collapse_a_run_and_the_reported_fix_makes_it_worse(
    page: Page, home: Home, streamlit_server: StartServer
) -> None:
    small = {
        "data.normalisation": "none",
        "data.identities": 60,
        "data.images_per_identity": 8,
        "stages.0.epochs": 12,
        "stages.1.epochs": 1,
        "threads": 1,
    }
    largest: dict[str, float] = {}
    for preset in ("collapse-demo", "reported-fix"):
        run = jobs.launch(home, with_values(PRESETS[preset](), small), name=preset)
        page.goto(f"{serve(streamlit_server, home)}/live?run={run.id}")
        expect(page.locator(".st-key-verdict")).to_contain_text("COLLAPSED")
        expect(page.locator(".st-key-verdict")).to_contain_text("input.range")
        await_end(home, run.id)
        with queries.metrics_of(home, run.id) as metrics:
            largest[preset] = metrics.latest()["max_class_share"]
    assert largest["collapse-demo"] > 3 / 60
    assert largest["reported-fix"] > largest["collapse-demo"]


def test_a_job_does_not_notice_that_its_server_dies_and_comes_back(
    page: Page, home: Home, streamlit_server: StartServer
) -> None:
    endless = {
        "stages.0.epochs": 5000,
        "stages.0.patience_epochs": 5000,
        "monitor.validate_every_epochs": 100,
    }
    url = serve(streamlit_server, home)
    page.goto(f"{url}/launch")
    run = jobs.launch(home, with_values(smoke(), {"backbone.weights": "none", "threads": 1, **endless}))
    page.goto(f"{url}/live?run={run.id}")
    wait_until(lambda: queries.run_status(home, run.id).step > 10, "it trains", 120)
    worker = queries.catalog_of(home).run(run.id).worker
    server_process(url).kill()
    before = queries.run_status(home, run.id).step
    wait_until(lambda: queries.run_status(home, run.id).step > before + 50, "it goes on without a server", 60)
    again = serve(streamlit_server, home, "second")
    page.goto(f"{again}/live?run={run.id}")
    expect(page.get_by_role("link", name="Samples")).to_be_visible()
    expect(page.locator(".st-key-status")).to_contain_text("running")
    expect(page.locator(".st-key-verdict")).to_contain_text("classes are predicted")
    assert queries.catalog_of(home).run(run.id).worker == worker
    end(home, run.id)
