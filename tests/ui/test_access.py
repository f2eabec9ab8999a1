"""Who may come in and what they may do: enforced at the verbs, whatever the page draws."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from edgeft_core import access, jobs, queries
from edgeft_core.access import OPERATOR, Role, Visitor, data_roots, require_path
from edgeft_core.config_keys import with_values
from edgeft_core.errors import AccessError, EdgeFTError
from edgeft_core.jobs import control, detach, probing
from edgeft_core.jobs.states import RunState
from edgeft_core.presets import smoke
from edgeft_core.settings import Home
from tests.jobs.conftest import end_processes
from ui import state
from ui.access import gate, settings, tokens

ROOT = Path(__file__).resolve().parents[2]
CONTROL, VIEW = "control-token-of-thirty-letters", "view-token-of-thirty-letters!!"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    home = Home(tmp_path / "home").ensure()
    monkeypatch.setenv("EDGEFT_HOME", str(home.root))
    yield home
    access.ask_visitor_of(lambda: OPERATOR)
    end_processes(home)
    queries.forget(home)


@pytest.fixture
def tokens_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEFT_ACCESS", "token")
    monkeypatch.setenv("EDGEFT_CONTROL_TOKEN", CONTROL)
    monkeypatch.setenv("EDGEFT_VIEW_TOKEN", VIEW)
    monkeypatch.setattr(tokens, "_PAUSE_S", 0.0)


def test_who_may_only_look_changes_nothing(home: Home, tmp_path: Path) -> None:
    run = jobs.launch(home, with_values(smoke(), {"device": "cuda:7"}))
    access.ask_visitor_of(lambda: Visitor(Role.VIEW, (tmp_path,)))
    for attempt in (
        lambda: jobs.launch(home, smoke()),
        lambda: control.set_values(home, run.id, {"head.scale": 2}),
        lambda: control.pause(home, run.id),
        lambda: control.resume(home, run.id),
        lambda: control.requeue(home, run.id),
        lambda: control.stop(home, run.id),
        lambda: control.checkpoint(home, run.id),
        lambda: control.restart(home, run.id),
        lambda: control.rename(home, run.id, "mine"),
        lambda: control.delete(home, run.id),
        lambda: probing.start_probes(home, run.id),
    ):
        with pytest.raises(AccessError, match="ask the operator for control"):
            attempt()
    assert queries.catalog_of(home).run(run.id).name == run.name
    assert len(queries.catalog_of(home).runs()) == 1


def test_paths_stay_below_the_named_folders_with_links_resolved(tmp_path: Path, home: Home) -> None:
    inside, outside = tmp_path / "data", tmp_path / "private"
    for folder in (inside / "faces", outside):
        folder.mkdir(parents=True)
    (inside / "link").symlink_to(outside, target_is_directory=True)
    access.ask_visitor_of(lambda: Visitor(Role.CONTROL, data_roots([inside])[-1:]))
    assert require_path(inside / "faces") == (inside / "faces").resolve()
    for path in (
        outside,
        inside / "link",
        inside / ".." / "private",
        "/etc/passwd",
        "~root",
        tmp_path / "data2",
    ):
        with pytest.raises(AccessError, match="lies outside the folders"):
            require_path(path)
    for key in ("data.source", "backbone.weights", "data.super_resolution"):
        with pytest.raises(AccessError, match="lies outside the folders"):
            jobs.launch(home, with_values(smoke(), {key: str(inside / "link" / "not there")}))


def test_the_operator_names_the_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGEFT_DATA_ROOTS", os.pathsep.join([str(tmp_path / "a"), "", str(tmp_path / "b")]))
    assert data_roots([]) == ((tmp_path / "a").resolve(), (tmp_path / "b").resolve())
    monkeypatch.delenv("EDGEFT_DATA_ROOTS")
    assert data_roots([]) == tuple(dict.fromkeys((Path.home().resolve(), Path.cwd().resolve())))


def test_on_this_machine_alone_every_folder_may_be_named_unless_the_operator_names_some(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(gate, "get_script_run_ctx", lambda **_: object())
    monkeypatch.setattr(settings, "access_mode", lambda: "local")
    monkeypatch.setattr(state, "home_folder", lambda: tmp_path / "home")
    monkeypatch.delenv("EDGEFT_DATA_ROOTS", raising=False)
    assert gate.visitor() == OPERATOR
    monkeypatch.setenv("EDGEFT_DATA_ROOTS", str(tmp_path / "faces"))
    assert (tmp_path / "faces").resolve() in (gate.visitor().roots or ())
    monkeypatch.delenv("EDGEFT_DATA_ROOTS")
    monkeypatch.setattr(settings, "access_mode", lambda: "token")
    monkeypatch.setattr(st, "session_state", {})
    assert Path.home().resolve() in (gate.visitor().roots or ())


def app() -> AppTest:
    return AppTest.from_file(str(ROOT / "pages" / "runs.py"), default_timeout=120)


def said(test: AppTest) -> str:
    return " ".join(str(one.value) for one in (*test.markdown, *test.error, *test.caption))


def log_in(test: AppTest, token: str) -> AppTest:
    test.text_input(key="login.token").set_value(token)
    test.button[0].click()
    return test.run()


@pytest.mark.usefixtures("tokens_set")
def test_without_a_token_nothing_of_a_run_is_shown(home: Home) -> None:
    queries.catalog_of(home).add_run("r1", "secret project", smoke())
    test = app().run()
    assert "secret project" not in said(test)
    assert not test.dataframe
    test = log_in(test, "wrong-token-of-thirty-letters")
    assert "not known here" in said(test)
    assert not test.dataframe
    test = log_in(test, VIEW)
    assert test.dataframe
    assert test.session_state["edgeft.role"] is Role.VIEW


@pytest.mark.usefixtures("tokens_set")
def test_a_viewer_s_click_on_a_forged_page_is_refused_at_the_verb(home: Home) -> None:
    def forged() -> None:
        import streamlit as st  # noqa: PLC0415

        from edgeft_core.jobs import control  # noqa: PLC0415
        from ui import messages, state  # noqa: PLC0415
        from ui.access.gate import admit  # noqa: PLC0415

        admit()
        if st.button("stop it", key="stop"):
            with messages.calmly():
                control.stop(state.home(), "r1")

    queries.catalog_of(home).add_run("r1", "a run", smoke())
    test = log_in(AppTest.from_function(forged, default_timeout=60).run(), VIEW)
    test.button(key="stop").click().run()
    assert "ask the operator for control" in said(test).replace("\\", "")
    assert queries.catalog_of(home).run("r1").state is RunState.QUEUED
    test = log_in(AppTest.from_function(forged, default_timeout=60).run(), CONTROL)
    test.button(key="stop").click().run()
    assert queries.catalog_of(home).run("r1").state is RunState.STOPPED


@pytest.mark.parametrize(
    ("address", "hosts", "reached_as"),
    [
        ("127.0.0.1", ["127.0.0.1", "localhost"], ""),
        ("::1", ["localhost."], ""),
        ("0.0.0.0", ["localhost"], "0.0.0.0"),
        ("", ["localhost"], "0.0.0.0"),
        ("127.0.0.1", ["faces.example.org"], "faces.example.org"),
        ("127.0.0.1", [], "*"),
    ],
)
def test_a_server_that_others_reach_must_have_a_login(
    monkeypatch: pytest.MonkeyPatch, address: str, hosts: list[str], reached_as: str
) -> None:
    options = {"server.address": address, "server.allowedHosts": hosts}
    monkeypatch.setattr("streamlit.get_option", options.__getitem__)
    monkeypatch.delenv("EDGEFT_ACCESS", raising=False)
    assert settings.reachable_as() == reached_as
    if not reached_as:
        assert settings.access_mode() == "local"
        return
    with pytest.raises(AccessError, match="visitors must log in"):
        settings.access_mode()
    monkeypatch.setenv("EDGEFT_ACCESS", "token")
    assert settings.access_mode() == "token"


def test_a_misspelt_way_to_log_in_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEFT_ACCESS", "tokens")
    with pytest.raises(AccessError, match="give token or oidc"):
        settings.access_mode()


def test_tokens_are_long_and_differ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in tokens.VARIABLES.values():
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(EdgeFTError, match="no token is set"):
        tokens.configured()
    monkeypatch.setenv("EDGEFT_CONTROL_TOKEN", "short")
    with pytest.raises(EdgeFTError, match="shorter than 16"):
        tokens.configured()
    monkeypatch.setenv("EDGEFT_CONTROL_TOKEN", CONTROL)
    monkeypatch.setenv("EDGEFT_VIEW_TOKEN", CONTROL)
    with pytest.raises(EdgeFTError, match="are the same"):
        tokens.configured()
    monkeypatch.delenv("EDGEFT_VIEW_TOKEN")
    (tmp_path / "token").write_text(f"{VIEW}\n")
    monkeypatch.setenv("EDGEFT_VIEW_TOKEN_FILE", str(tmp_path / "token"))
    assert tokens.configured() == {Role.CONTROL: CONTROL, Role.VIEW: VIEW}


def test_a_wrong_token_costs_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_PAUSE_S", 0.2)
    begun = time.monotonic()
    assert tokens.role_of("", {Role.CONTROL: CONTROL}) is None
    assert tokens.role_of(CONTROL[:-1], {Role.CONTROL: CONTROL}) is None
    assert time.monotonic() - begun >= 0.4
    assert tokens.role_of(CONTROL, {Role.CONTROL: CONTROL}) is Role.CONTROL


@pytest.mark.usefixtures("tokens_set")
def test_workers_do_not_inherit_the_tokens() -> None:
    assert CONTROL in os.environ.values()
    environment = detach._environment()
    assert not {CONTROL, VIEW} & set(environment.values())
