"""Names that would be HTML, markdown or LaTeX if anybody took them for it, on every page of a real browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from edgeft_core import jobs, queries
from edgeft_core.config_keys import with_values
from edgeft_core.jobs.states import ENDED, RunState
from edgeft_core.presets import smoke
from edgeft_core.settings import Home
from edgeft_core.store import open_catalog
from tests.browser.conftest import StartServer
from tests.jobs.conftest import end_processes
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
ATTACK = "<img src=x onerror=window.pwned=1>"
PEOPLE = [
    ATTACK,
    "<b>bold</b>",
    "**stars** $x^2$ :red[no]",
    "<svg onload=window.pwned=1>",
    "[link](javascript:pwned)",
]
PATIENCE_MS = 120_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("hostile") / "home").ensure()
    yield home
    end_processes(home)
    queries.forget(home)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set whose folder and people are named like attacks."""
    if os.name == "nt":
        pytest.skip("Windows has no such names")
    folder = tmp_path_factory.mktemp("hostile") / ATTACK
    chance = np.random.default_rng(7)
    for person in PEOPLE:
        (folder / person.replace("/", "\N{FRACTION SLASH}")).mkdir(parents=True)
        for number in range(6):
            pixels = chance.integers(0, 255, (112, 112, 3), np.uint8)
            name = f"{number}<i>.png" if number else "0.png"
            Image.fromarray(pixels).save(folder / person.replace("/", "\N{FRACTION SLASH}") / name)
    return folder


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    yield context.new_page()
    expect.set_options(timeout=5_000)
    context.close()


def assert_harmless(page: Page) -> None:
    """No script ran, and no element came of a name."""
    assert page.evaluate("window.pwned") is None
    assert page.locator("img[src='x'], svg[onload], a[href^='javascript']").count() == 0


def test_no_page_takes_a_name_for_markup(
    page: Page, home: Home, faces: Path, streamlit_server: StartServer
) -> None:
    config = with_values(
        smoke(), {"data.source": str(faces), "backbone.weights": "none", "threads": 1, "data.batch_size": 4}
    )
    run = jobs.launch(home, config, name=f"{ATTACK} **x** $y$")
    with closing(open_catalog(home.catalog_url)) as catalog:
        wait_until(lambda: catalog.run(run.id).state in ENDED, "the run ends", 240)
        assert catalog.run(run.id).state is RunState.FINISHED, catalog.run(run.id).error
    roots = os.pathsep.join([str(faces.parent), str(home.root)])
    url = streamlit_server(ROOT / "app.py", {"EDGEFT_HOME": str(home.root), "EDGEFT_DATA_ROOTS": roots})

    for address, sign in (
        ("live", page.locator(".js-plotly-plot").first),
        ("samples", page.locator(".face").first),
        ("runs", page.get_by_role("grid").or_(page.locator("[data-testid=stDataFrame]")).first),
    ):
        page.goto(f"{url}/{address}?run={run.id}")
        sign.wait_for()
        assert_harmless(page)
    page.goto(f"{url}/samples?run={run.id}")
    shown = page.locator(".face .words").all_text_contents()
    assert any(ATTACK in text for text in shown)

    page.goto(f"{url}/launch")
    page.get_by_role("radio", name="a folder of mine").click()
    folder = page.get_by_role("textbox", name="Folder")
    folder.fill(str(faces))
    folder.press("Enter")
    expect(page.get_by_text(f"{len(PEOPLE)} identities")).to_be_visible()
    assert_harmless(page)
    folder.fill(f"/nowhere/{ATTACK}")
    folder.press("Enter")
    expect(page.get_by_text("lies outside the folders")).to_be_visible()
    expect(page.get_by_text(f"/nowhere/{ATTACK}").first).to_be_visible()
    assert_harmless(page)
