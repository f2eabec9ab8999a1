"""The benchmark's visitor: it asks and counts as a browser does."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.browser_session import Session


class Server:
    """What a session sends, and the answers it is given; seconds pass when told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[Any] = []
        self.now_s = 0.0
        self.session = Session(port=0, page="live", run_id="abc")
        monkeypatch.setattr("benchmarks.browser_session.time.perf_counter", lambda: self.now_s)

    def send(self, blob: bytes) -> None:
        """The session's side of the socket."""
        self.asked.append(BackMsg.FromString(blob).rerun_script)

    def says(self, kind: str, *fragments: str, **fields: Any) -> None:
        message = ForwardMsg()
        part = getattr(message, kind)
        if kind == "script_finished":
            message.script_finished = fields["how"]
        else:
            part.SetInParent()
            for name, value in fields.items():
                setattr(part, name, value)
        message.metadata.run.fragment_ids.extend(fragments)
        self.session._take_in(message.SerializeToString(), begun=0.0)

    def wait(self, until_s: float) -> None:
        self.now_s = until_s
        self.session._ask_for_what_is_due(self)  # type: ignore[arg-type]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """A page that is open since half a second, with one fragment that runs every second."""
    server = Server(monkeypatch)
    server.says("new_session", page_script_hash="first")
    server.says("navigation", page_script_hash="live")
    server.says("auto_rerun", fragment_id="charts", interval=1.0)
    server.now_s = 0.5
    server.says("script_finished", how=ForwardMsg.FINISHED_SUCCESSFULLY)
    return server


def test_a_page_is_open_when_its_script_has_run_to_its_end(server: Server) -> None:
    assert server.session.opened_s == 0.5


def test_a_fragment_is_asked_for_on_the_page_that_is_shown(server: Server) -> None:
    server.wait(until_s=1.0)
    (asked,) = server.asked
    assert (asked.fragment_id, asked.page_script_hash, asked.is_auto_rerun) == ("charts", "live", True)


def test_a_refresh_lasts_from_its_timer_to_the_end_of_the_run_that_was_for_it(server: Server) -> None:
    server.wait(until_s=1.0)
    server.now_s = 1.2
    server.says("script_finished", how=ForwardMsg.FINISHED_SUCCESSFULLY)  # of a run that came before
    server.says("new_session", "charts", page_script_hash="live")
    server.now_s = 1.4
    server.says("script_finished", "charts", how=ForwardMsg.FINISHED_EARLY_FOR_RERUN)
    assert server.session.refreshed_s == []
    server.now_s = 1.5
    server.says("script_finished", "charts", how=ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
    assert server.session.refreshed_s == [pytest.approx(0.5)]


def test_a_timer_goes_on_while_the_answer_is_late(server: Server) -> None:
    for second in (1.0, 2.0, 3.0):
        server.wait(until_s=second)
    assert len(server.asked) == 3
    server.says("new_session", "charts", page_script_hash="live")
    server.says("script_finished", "charts", how=ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
    assert server.session.refreshed_s == [pytest.approx(2.0)], "the first question waited for two seconds"


def test_the_server_sets_another_pace_and_repeating_it_changes_nothing(server: Server) -> None:
    server.says("auto_rerun", fragment_id="charts", interval=4.0)
    server.now_s = 3.0
    server.says("auto_rerun", fragment_id="charts", interval=4.0)
    server.wait(until_s=4.4)
    assert server.asked == []
    server.wait(until_s=4.6)
    assert len(server.asked) == 1


def test_a_tab_in_the_background_asks_for_nothing_and_its_timers_keep_their_rate(server: Server) -> None:
    server.now_s = 3.3
    server.session._pass_over_what_is_due()
    server.wait(until_s=3.4)
    assert server.asked == []
    server.wait(until_s=4.0)
    assert len(server.asked) == 1
