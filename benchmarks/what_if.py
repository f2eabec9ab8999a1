"""How soon the What-if lab follows a slider: computing and drawing in a real browser, and the same in Python. JSON out.

The mouse drags the temperature slider of the real component, served by a real server. "Total" is from the browser's
input event until everything is drawn, waiting for the next frame included; what the screen adds is not in it.
Run with ``python benchmarks/what_if.py``.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.what_if_app import sample_of
from edgeft_core.config import HeadConfig
from edgeft_core.labs.what_if.outcome import outcome
from tests.browser.conftest import chromium_executable, free_port, kill_tree
from ui.what_if.lab import packed

APP = Path(__file__).with_name("what_if_app.py")
SIZES = ((1000, 518), (64, 10_000))
MOVES = 60
TARGET_MS = 100.0


def main() -> None:
    load = psutil.getloadavg()[0]
    with sync_playwright() as playwright:
        is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        browser = playwright.chromium.launch(
            executable_path=chromium_executable(playwright),
            args=["--disable-dev-shm-usage", *(["--no-sandbox"] if is_root else [])],
        )
        sizes = [_measured(browser, images, classes) for images, classes in SIZES]
        browser.close()
    print(
        json.dumps(
            {
                "date": datetime.now(UTC).date().isoformat(),
                "machine": f"{os.cpu_count()}-core {platform.machine()}, {platform.system()}",
                "load_at_start": round(load, 2),
                "target_ms": TARGET_MS,
                "sizes": sizes,
            },
            indent=2,
        )
    )


def _measured(browser: Browser, images: int, classes: int) -> dict[str, Any]:
    with _served(images, classes) as url:
        drag = _dragged(browser, url)
    sample = sample_of(images, classes)
    began = time.perf_counter()
    outcome(sample.cos_NC, sample.labels_N, HeadConfig(temperature=4), sample.dim)
    python_ms = 1000 * (time.perf_counter() - began)
    sent = packed(sample, [])
    return {
        "images": images,
        "classes": classes,
        "sent_once_mb": round(sum(len(str(one)) for one in sent.values()) / 1e6, 2),
        **drag,
        "same_in_python_ms": round(python_ms, 1),
    }


def _dragged(browser: Browser, url: str) -> dict[str, Any]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(url)
    page.locator(".lab[data-draws]").wait_for(timeout=120_000)
    box = page.locator("#lab-temperature").bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.3 * box["width"], y)
    page.mouse.down()
    before = int(page.locator(".lab").get_attribute("data-draws") or 0)
    for move in range(MOVES):
        draws = int(page.locator(".lab").get_attribute("data-draws") or 0)
        page.mouse.move(box["x"] + (0.3 + 0.6 * move / MOVES) * box["width"], y)
        page.wait_for_function(
            "draws => Number(document.querySelector('.lab').dataset.draws) > draws", arg=draws - (move == 0)
        )
    page.mouse.up()
    drawn = int(page.locator(".lab").get_attribute("data-draws") or 0) - before
    timings = json.loads(page.locator(".lab").get_attribute("data-timings") or "[]")[-min(drawn, MOVES - 5) :]
    page.close()
    return {
        "moves": len(timings),
        **{f"{part}_ms": _summary(timings, part) for part in ("compute", "draw", "total")},
    }


def _summary(timings: list[dict[str, float]], part: str) -> dict[str, float]:
    values = sorted(one[part] for one in timings)
    return {
        "median": round(statistics.median(values), 1),
        "p90": round(values[int(0.9 * (len(values) - 1))], 1),
        "worst": round(values[-1], 1),
    }


@contextmanager
def _served(images: int, classes: int) -> Iterator[str]:
    port = free_port()
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "streamlit", "run", str(APP)),
            *("--server.port", str(port), "--server.headless", "true", "--server.fileWatcherType", "none"),
        ],
        cwd=APP.parents[1],
        env={**os.environ, "IMAGES": str(images), "CLASSES": str(classes)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
                    break
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        yield url
    finally:
        kill_tree(server)


if __name__ == "__main__":
    main()
