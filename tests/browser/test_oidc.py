"""Logging in with an OpenID Connect provider: who is on a list gets in with that role, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from edgeft_core.settings import Home
from tests.browser.conftest import ROOT, StartServer, free_port
from tests.browser.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, provider_of

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.usefixtures("patience")]

PATIENCE_MS = 60_000
PEOPLE = {
    "controls@example.org": True,
    "looks@example.org": True,
    "unverified@example.org": False,
    "stranger@example.org": True,
}
LISTS = {
    "EDGEFT_CONTROLLERS": "Controls@example.org, unverified@example.org",
    "EDGEFT_VIEWERS": "looks@example.org",
}


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with provider_of(PEOPLE) as provider:
        yield provider


@pytest.fixture(scope="module")
def app(
    home: Home, provider: Provider, streamlit_server: StartServer, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The app, for people whom the provider knows."""
    port = free_port()
    secrets: Path = tmp_path_factory.mktemp("secrets") / "secrets.toml"
    secrets.write_text(
        f"""[auth]
redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
cookie_secret = "a cookie's secret of this test, long enough to sign with"
client_id = "{CLIENT_ID}"
client_secret = "{CLIENT_SECRET}"
server_metadata_url = "{provider.address}/.well-known/openid-configuration"
""",
        encoding="utf-8",
    )
    env = {
        "EDGEFT_HOME": str(home.root),
        "EDGEFT_ACCESS": "oidc",
        "STREAMLIT_SECRETS_FILES": str(secrets),
        **LISTS,
    }
    return streamlit_server(ROOT / "app.py", env, port)


def log_in(page: Page, app: str, email: str) -> None:
    page.goto(f"{app}/launch")
    expect(page.get_by_text("its operator decides who comes in")).to_be_visible()
    expect(page.get_by_role("button", name="Start")).to_have_count(0)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name=email).click()
    page.wait_for_url(f"{app}/**")


@pytest.mark.parametrize(
    ("email", "launches"), [("controls@example.org", True), ("looks@example.org", False)]
)
def test_who_is_on_a_list_gets_in_with_that_role(page: Page, app: str, email: str, launches: bool) -> None:
    log_in(page, app, email)
    expect(page.get_by_test_id("stMain").get_by_text("no run yet")).to_be_visible()
    page.goto(f"{app}/launch")
    expect(
        page.get_by_role("button", name="Start") if launches else page.get_by_text("You may look")
    ).to_be_visible()


@pytest.mark.parametrize(
    ("email", "told"),
    [
        ("stranger@example.org", "stranger@example.org is not on the operator's lists"),
        ("unverified@example.org", "no e-mail address of yours that it verified"),
    ],
)
def test_nobody_else_does_and_can_log_out_again(page: Page, app: str, email: str, told: str) -> None:
    log_in(page, app, email)
    expect(page.get_by_text(told)).to_be_visible()
    expect(page.get_by_text("no run yet")).to_have_count(0)
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
