"""What waits a user has, in a real browser: pages, the first point of a run, every further point. Prints JSON.

python benchmarks/app_latency.py [--points 30]

A server with an empty home is started and the default demo is launched from the form, with nothing drawn or embedded
before. "First point" is the time from the click on Start until the loss chart holds a point. "New point" is the time
from the end of a batch, as the worker noted it, until the chart's data holds it; charts are looked at every 20 ms.
Pages are timed until their own content is there, in a server that has shown each once, while the run trains: "reload"
loads the whole app into the browser again, "click" comes from another page by the link in the sidebar.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Locator, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.store_batches import setting
from edgeft_core import queries
from edgeft_core.jobs import control
from edgeft_core.settings import Home
from edgeft_core.store import open_metrics_reader
from tests.browser.conftest import Servers, chromium_executable

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    "launch": "button:has-text('Start')",
    "live": ".st-key-chart_loss .edgeft-chart-plot .plot-container",
    "samples": ".st-key-samples_bar",
    "runs": "[data-testid=stDataFrame]",
}
LAST_STEP = """() => {
  const plot = document.querySelector('.st-key-chart_loss .edgeft-chart-plot');
  const x = plot?._fullData?.find(one => one.x?.length)?.x;
  return x?.length ? Number(x[x.length - 1]) : 0;
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=30)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, opened_browser() as page:
        home = Home(Path(temporary) / "home").ensure()
        servers = Servers(Path(temporary))
        try:
            address = servers.start(ROOT / "app.py", {"EDGEFT_HOME": str(home.root)})
            first_s = first_point(page, address)
            record = queries.catalog_of(home).runs()[0]
            lags_s = new_points(page, home, record.id, arguments.points)
            pages_s = {name: warm_page_s(page, address, name) for name in PAGES}
            control.stop(home, record.id, wait_s=30)
        finally:
            servers.stop()
            queries.forget(home)
    where = {name: value for name, value in setting().items() if name not in {"keys", "classes"}}
    found = {"start_to_first_point_s": round(first_s, 2), "new_point_s": summary(lags_s), "pages_s": pages_s}
    print(json.dumps({"benchmark": "app_latency", **where, **found}, indent=2))


@contextmanager
def opened_browser() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_executable(playwright), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(120_000)
        yield page
        browser.close()


def first_point(page: Page, address: str) -> float:
    """Seconds from the click on Start to the first point in the loss chart."""
    page.goto(f"{address}/launch")
    button = page.get_by_role("button", name="Start", exact=True)
    button.wait_for()
    page.wait_for_timeout(2000)  # the page itself is complete; the person reads it
    begun = time.perf_counter()
    button.click()
    page.wait_for_function(f"({LAST_STEP})() > 0", polling=20)
    return time.perf_counter() - begun


def new_points(page: Page, home: Home, run_id: str, wanted: int) -> list[float]:
    """Seconds from the end of a batch until the chart holds it, for points that appear one after another."""
    lags: list[float] = []
    seen = int(page.evaluate(LAST_STEP))
    while len(lags) < wanted:
        page.wait_for_function(f"({LAST_STEP})() > {seen}", polling=20)
        shown_at = time.time()
        seen = int(page.evaluate(LAST_STEP))
        lags.append(shown_at - ended_at(home, run_id, seen))
    return lags


def ended_at(home: Home, run_id: str, step: int) -> float:
    """When a batch ended, UTC seconds since the epoch."""
    with open_metrics_reader(home.metrics_file(run_id)) as reader:
        return float(reader.view(["loss"], first=step, last=step).time_V[-1])


def warm_page_s(page: Page, address: str, name: str) -> dict[str, float]:
    """Median seconds of three loads after a first one, and of three clicks from another page."""
    content = page.locator(PAGES[name]).first
    reloads = [seconds(lambda: page.goto(f"{address}/{name}"), content) for _ in range(4)]
    clicks = []
    elsewhere = "samples" if name == "runs" else "runs"
    for _ in range(3):
        seconds(link(page, elsewhere).click, page.locator(PAGES[elsewhere]).first)
        page.wait_for_timeout(500)
        clicks.append(seconds(link(page, name).click, content))
    return {
        "reload": round(float(np.median(reloads[1:])), 2),
        "click": round(float(np.median(clicks)), 2),
    }


def link(page: Page, name: str) -> Locator:
    return page.get_by_role("link", name=name.capitalize(), exact=True)


def seconds(act: Callable[[], object], content: Locator) -> float:
    """How long it takes until what was asked for is there."""
    begun = time.perf_counter()
    act()
    content.wait_for()
    return time.perf_counter() - begun


def summary(values: list[float]) -> dict[str, float]:
    return {
        "median": round(float(np.median(values)), 2),
        "p95": round(float(np.quantile(values, 0.95)), 2),
        "worst": round(max(values), 2),
    }


if __name__ == "__main__":
    main()
