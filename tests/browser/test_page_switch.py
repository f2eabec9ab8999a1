"""A page that is left and still asks for something: messages in an order that a browser sends by chance only.

A visitor over Streamlit's own protocol: the next page was asked for, and a fragment of the one before is, too, by a
timer that had not heard of it. By itself Streamlit then takes the session back to the page before without drawing it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

from edgeft_core.jobs.states import RunState
from edgeft_core.settings import Home
from tests.recorded import recorded_run

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_S = 120.0
LARGEST = 64 * 2**20


@dataclass
class Answer:
    """What came of one message.

    Attributes:
        page: the page that was drawn whole, as the server names it; empty where none was.
        elements: kinds of what was drawn, in order.
        fragments: ids of those that want to be drawn again by themselves.
        exceptions: what the page shows in red.
    """

    page: str = ""
    elements: list[str] = field(default_factory=list)
    fragments: list[str] = field(default_factory=list)
    exceptions: list[str] = field(default_factory=list)


class Tab:
    """An open page.

    Attributes:
        page: where the server told it to be, as a browser keeps it.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.page = ""

    def open(self, page: str, **query: str) -> Answer:
        message = BackMsg()
        message.rerun_script.page_name = page
        message.rerun_script.query_string = urlencode(query)
        return self._answer(message)

    def draw_again(self, fragment: str, on: str) -> Answer:
        """Ask for a fragment, as its timer does, on the page that the tab believes to show."""
        message = BackMsg()
        message.rerun_script.page_script_hash = on
        message.rerun_script.fragment_id = fragment
        message.rerun_script.is_auto_rerun = True
        return self._answer(message)

    def _answer(self, message: BackMsg) -> Answer:
        self._socket.send(message.SerializeToString())
        answer = Answer()
        while True:
            told = ForwardMsg.FromString(self._socket.recv(timeout=PATIENCE_S, decode=False))
            kind = told.WhichOneof("type")
            if kind == "new_session":
                self.page = told.new_session.page_script_hash
            elif kind == "navigation":
                self.page = answer.page = told.navigation.page_script_hash
            elif kind == "auto_rerun":
                answer.fragments.append(told.auto_rerun.fragment_id)
            elif kind == "delta" and told.delta.WhichOneof("type") == "new_element":
                element = told.delta.new_element
                answer.elements.append(str(element.WhichOneof("type")))
                if element.HasField("exception"):
                    answer.exceptions.append(element.exception.message)
            elif kind == "script_finished" and told.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return answer


@pytest.fixture
def tab(address: str) -> Iterator[Tab]:
    stream = address.replace("http", "ws", 1) + "/_stcore/stream"
    with connect(stream, subprotocols=["streamlit"], max_size=LARGEST, open_timeout=PATIENCE_S) as socket:  # type: ignore[list-item]
        yield Tab(socket)


def test_a_fragment_of_the_page_before_does_not_take_the_visitor_back(tab: Tab, home: Home) -> None:
    run = recorded_run(home, state=RunState.RUNNING)
    live = tab.open("live", run=run.id)
    assert live.fragments, "a run that goes is drawn again and again"
    diagnosis = tab.open("diagnosis", run=run.id)
    assert diagnosis.fragments
    assert tab.page == diagnosis.page != live.page
    late = tab.draw_again(live.fragments[0], on=live.page)
    assert late.page == tab.page == diagnosis.page, "the session stays where the visitor sent it"
    assert late.elements == diagnosis.elements, "and the page is drawn whole, into places that are there"
    again = tab.draw_again(diagnosis.fragments[0], on=tab.page)
    assert again.elements
    assert (again.page, tab.page) == ("", diagnosis.page), "its own fragments are drawn alone, as ever"
    assert not [*live.exceptions, *diagnosis.exceptions, *late.exceptions, *again.exceptions]
