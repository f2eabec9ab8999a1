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

from edgeft_core import jobs
from edgeft_core.config_keys import with_values
from edgeft_core.jobs.states import ENDED, RunState
from edgeft_core.presets import smoke
from edgeft_core.settings import Home
from edgeft_core.store import open_catalog
from edgeft_core.store.contract import RunRecord
from tests.browser.conftest import StartServer
from tests.recorded_sweep import record_sweep
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
NAME = f"{ATTACK} **x** $y$"
PATIENCE_MS = 240_000


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


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """One for all tests here: what it loaded once it has."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    yield context.new_page()
    expect.set_options(timeout=5_000)
    context.close()


def wait_for_name(page: Page) -> None:
    """Until the name is somewhere on the page, letter by letter: as text, or as what a field shows."""
    page.wait_for_function(
        """name => document.body.textContent.includes(name)
            || [...document.querySelectorAll('input')].some(field => field.value.includes(name))""",
        arg=ATTACK,
    )


def assert_harmless(page: Page) -> None:
    """No script ran, and no element came of a name."""
    assert page.evaluate("window.pwned") is None
    assert page.locator("img[src='x'], svg[onload], a[href^='javascript']").count() == 0


@pytest.fixture(scope="module")
def run(home: Home, faces: Path) -> RunRecord:
    """A run that was really trained on them, with a name like an attack."""
    config = with_values(
        smoke(), {"data.source": str(faces), "backbone.weights": "none", "threads": 1, "data.batch_size": 4}
    )
    launched = jobs.launch(home, config, name=NAME)
    with closing(open_catalog(home.catalog_url)) as catalog:
        wait_until(lambda: catalog.run(launched.id).state in ENDED, "the run ends", 400)
        ended = catalog.run(launched.id)
    assert ended.state is RunState.FINISHED, ended.error
    return ended


@pytest.fixture
def address(home: Home, faces: Path, streamlit_server: StartServer) -> str:
    roots = os.pathsep.join([str(faces.parent), str(home.root)])
    return streamlit_server(ROOT / "app.py", {"EDGEFT_HOME": str(home.root), "EDGEFT_DATA_ROOTS": roots})


@pytest.mark.parametrize(
    ("where", "sign"),
    [
        ("live", ".js-plotly-plot"),
        ("diagnosis", ".st-key-diagnosis_causes"),
        ("samples", ".face"),
        ("what_if", ".lab[data-draws]"),
        ("runs", "[data-testid=stDataFrame]"),
    ],
)
def test_no_page_of_a_run_takes_a_name_for_markup(
    page: Page, address: str, run: RunRecord, where: str, sign: str
) -> None:
    page.goto(f"{address}/{where}?run={run.id}")
    page.locator(sign).first.wait_for()
    wait_for_name(page)
    assert_harmless(page)


def test_the_people_of_samples_are_named_as_they_are(page: Page, address: str, run: RunRecord) -> None:
    page.goto(f"{address}/samples?run={run.id}")
    page.locator(".face").first.wait_for()
    assert any(ATTACK in text for text in page.locator(".face .words").all_text_contents())


def test_a_sweep_takes_no_name_for_markup(page: Page, address: str, home: Home, faces: Path) -> None:
    base = with_values(smoke(), {"data.source": str(faces)})
    swept = record_sweep(home, name=NAME, base=base)
    page.goto(f"{address}/sweep?run={swept.id}")
    page.locator(".js-plotly-plot").first.wait_for()
    wait_for_name(page)
    assert_harmless(page)


def test_launch_takes_no_folder_for_markup(page: Page, address: str, faces: Path) -> None:
    page.goto(f"{address}/launch")
    page.get_by_role("radio", name="a folder of mine").click()
    folder = page.get_by_role("textbox", name="Folder")
    folder.fill(str(faces))
    folder.press("Enter")
    expect(page.get_by_text(f"{len(PEOPLE)} identities").first).to_be_visible()
    assert_harmless(page)
    folder.fill(f"{faces.parent}/{ATTACK} gone")
    folder.press("Enter")
    expect(page.get_by_text("no such folder").first).to_be_visible()
    assert_harmless(page)
    folder.fill(f"/nowhere/{ATTACK}")
    folder.press("Enter")
    expect(page.get_by_text(f"/nowhere/{ATTACK} lies outside the folders").first).to_be_visible()
    assert_harmless(page)
