"""Fixtures that drive the real app in a real browser.

`streamlit_server` and `browser_page` for any script; `home`, `address`, `page` and `patience` for app.py on a home of
the module's own. A module's PATIENCE_MS says how long its actions may take.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect, sync_playwright

from edgeft_core import queries
from edgeft_core.settings import Home
from tests.browser.provision import provide_chromium
from tests.jobs.conftest import end_processes

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 60.0
ACTION_TIMEOUT_MS = 20_000
EXPECT_TIMEOUT_MS = 5_000

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
    "microsoft-edge",
)
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    r"C:\Program Files\Microsoft\Edge\Application\msedge.exe",
)
NO_BROWSER = (
    "No Chromium was found to drive. Install one (Debian and Ubuntu: `apt install chromium`; Windows and macOS: Chrome "
    "or Edge; anywhere: `python -m playwright install chromium`), or name one in EDGEFT_BROWSER."
)

StartServer = Callable[..., str]


def chromium_executable(playwright: Playwright) -> str:
    """The browser to drive: EDGEFT_BROWSER, else an installed one, else Playwright's own, else one installed now."""
    named = os.environ.get("EDGEFT_BROWSER")
    if named:
        if not Path(named).is_file():
            pytest.fail(f"EDGEFT_BROWSER names {named}, and there is no such file.")
        return named
    local = Path(os.environ.get("LOCALAPPDATA", "")) / "Google/Chrome/Application/chrome.exe"
    candidates = [found for name in NAMES if (found := shutil.which(name))]
    candidates += [*PLACES, str(local), playwright.chromium.executable_path]
    for candidate in candidates:
        if Path(candidate).is_file():
            return candidate
    provided, tried = provide_chromium(playwright.chromium.executable_path)
    if provided is None:
        pytest.fail(" ".join([NO_BROWSER, "Tried in vain:", *tried]))
    return provided


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser test gets a second chance: on a busy machine a click may meet a page that is just changing."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=2))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for the whole session."""
    with sync_playwright() as playwright:
        is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        started = playwright.chromium.launch(
            executable_path=chromium_executable(playwright),
            args=["--disable-dev-shm-usage", *(["--no-sandbox"] if is_root else [])],
        )
        yield started
        started.close()


@pytest.fixture
def browser_page(browser: Browser) -> Iterator[Page]:
    """A fresh page, 1280 px wide. The test fails if the page logged an error, unless it empties `page_errors`."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    context.set_default_timeout(ACTION_TIMEOUT_MS)
    page = context.new_page()
    errors: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    page.on("console", on_console)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors, f"The browser reported: {errors}"


class Servers:
    """Streamlit servers of one test module, started on demand, shared between its tests."""

    def __init__(self, log_dir: Path) -> None:
        self._log_dir = log_dir
        self._running: dict[tuple[object, ...], tuple[str, subprocess.Popen[bytes]]] = {}

    def start(self, script: Path, env: Mapping[str, str] | None = None, port: int = 0) -> str:
        """Serve `script` on a port (0: a free one), with `env` added to the environment, and return its address."""
        key = (script, tuple(sorted((env or {}).items())))
        if key in self._running and self._running[key][1].poll() is None:
            return self._running[key][0]
        port = port or free_port()
        log = self._log_dir / f"server-{port}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                _command(script, port),
                cwd=ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        url = f"http://127.0.0.1:{port}"
        self._running[key] = (url, process)
        _wait_until_healthy(url, process, log)
        return url

    def stop(self) -> None:
        for _, process in self._running.values():
            kill_tree(process)
        self._running.clear()


def _command(script: Path, port: int) -> list[str]:
    return [
        sys.executable,
        *("-m", "streamlit", "run", str(script)),
        *("--server.port", str(port)),
        *("--server.headless", "true"),
        *("--server.fileWatcherType", "none"),
    ]


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"Streamlit did not start:\n{log.read_text(errors='replace')[-3000:]}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """End a process that we started and all its descendants."""
    try:
        parent = psutil.Process(process.pid)
        family = [*parent.children(recursive=True), parent]
    except psutil.NoSuchProcess:
        family = []
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait(timeout=10)


@pytest.fixture(scope="module")
def streamlit_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """`streamlit_server(script, env) -> url`: one server per script and environment, gone after the module."""
    servers = Servers(tmp_path_factory.mktemp("servers"))
    yield servers.start
    servers.stop()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """One home for all tests of a module; nothing of it goes on afterwards."""
    home = Home(tmp_path_factory.mktemp("app") / "home").ensure()
    yield home
    end_processes(home)
    queries.forget(home)


@pytest.fixture
def address(home: Home, streamlit_server: StartServer) -> str:
    """Where the app is served on the module's home."""
    return streamlit_server(ROOT / "app.py", {"EDGEFT_HOME": str(home.root)})


@pytest.fixture(scope="module")
def patience_ms(request: pytest.FixtureRequest) -> int:
    """How long an action of the module's tests may take."""
    return int(getattr(request.module, "PATIENCE_MS", ACTION_TIMEOUT_MS))


@pytest.fixture(scope="module")
def patience(patience_ms: int) -> Iterator[None]:
    """Expectations wait as long as actions do."""
    expect.set_options(timeout=patience_ms)
    yield
    expect.set_options(timeout=EXPECT_TIMEOUT_MS)


@pytest.fixture
def page(browser: Browser, patience_ms: int) -> Iterator[Page]:
    """A page whose errors fail the test; Streamlit's own look for a host beside a deep link answers 404."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    context.set_default_timeout(patience_ms)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors, f"The browser reported: {errors}"
