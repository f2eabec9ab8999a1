"""A browser session without a browser: Streamlit's protocol over its WebSocket, fragments that run again included."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

_LARGEST = 64 * 2**20
_LONGEST_WAIT_S = 120.0


@dataclass
class Session:
    """One visitor who looks at one page of a local server, with the tab in front unless ``resting`` is set.

    Timers run as a browser's do: at a fixed rate, whether or not the answer to the last question has come.

    Attributes:
        opened_s: seconds from asking for the page to its end.
        refreshed_s: of each fragment that ran again by itself, from its timer to its end.
        between_s: from the end of one such run of a fragment to the end of its next.
        received_bytes: everything that came.
        problems: exceptions that the page showed.
    """

    port: int
    page: str
    run_id: str = ""
    opened_s: float = 0.0
    refreshed_s: list[float] = field(default_factory=list)
    between_s: list[float] = field(default_factory=list)
    received_bytes: int = 0
    problems: list[str] = field(default_factory=list)
    resting: threading.Event = field(default_factory=threading.Event)
    _timers: dict[str, tuple[float, float]] = field(default_factory=dict)  # fragment: (interval, due)
    _asked: dict[str, float] = field(default_factory=dict)
    _running: dict[str, float] = field(default_factory=dict)
    _ended_at: dict[str, float] = field(default_factory=dict)
    _shown: str = ""  # hash of the page that the server shows

    def look(self, seconds: float, over: threading.Event) -> None:
        """Open the page and keep looking, as an open tab does."""
        address = f"ws://127.0.0.1:{self.port}/_stcore/stream"
        with connect(address, subprotocols=["streamlit"], max_size=_LARGEST, open_timeout=60) as socket:  # type: ignore[list-item]
            begun = time.perf_counter()
            self._ask(socket)
            while not self.opened_s:
                self._take_in(socket.recv(timeout=_LONGEST_WAIT_S), begun)
            until = time.perf_counter() + seconds
            while time.perf_counter() < until and not over.is_set():
                if self.resting.is_set():
                    self._pass_over_what_is_due()
                else:
                    self._ask_for_what_is_due(socket)
                try:
                    self._take_in(socket.recv(timeout=self._rest_s(until)), begun)
                except TimeoutError:
                    continue

    def _rest_s(self, until: float) -> float:
        """Until the next timer, at most a second: somebody may end the visit."""
        now = time.perf_counter()
        ends = [now + 1.0, until, *(due for _, due in self._timers.values())]
        return max(0.001, min(ends) - now)

    def _ask_for_what_is_due(self, socket: ClientConnection) -> None:
        now = time.perf_counter()
        for fragment, (every_s, due) in self._timers.items():
            if due <= now:
                self._timers[fragment] = (every_s, now + every_s)
                self._asked.setdefault(fragment, now)
                self._ask(socket, fragment)

    def _pass_over_what_is_due(self) -> None:
        """A tab in the background asks for nothing; its timers keep their rate."""
        now = time.perf_counter()
        for fragment, (every_s, due) in self._timers.items():
            if due <= now:
                self._timers[fragment] = (every_s, due + math.ceil((now - due) / every_s + 1e-9) * every_s)

    def _ask(self, socket: ClientConnection, fragment: str = "") -> None:
        message = BackMsg()
        message.rerun_script.query_string = urlencode({"run": self.run_id} if self.run_id else {})
        if fragment:
            message.rerun_script.fragment_id = fragment
            message.rerun_script.is_auto_rerun = True
            message.rerun_script.page_script_hash = self._shown  # without it, the server brings the page back
        else:
            message.rerun_script.page_name = self.page
        socket.send(message.SerializeToString())

    def _take_in(self, blob: str | bytes, begun: float) -> None:
        """What the server sent: whose turn begins and ends, and which timers to set."""
        assert isinstance(blob, bytes)
        self.received_bytes += len(blob)
        message = ForwardMsg.FromString(blob)
        kind = message.WhichOneof("type")
        if kind == "auto_rerun":
            self._set_timer(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self._timers.pop(fragment, None)
        elif kind == "navigation":
            self._shown = message.navigation.page_script_hash
        elif kind == "new_session":
            self._shown = message.new_session.page_script_hash
            asked = list(message.metadata.run.fragment_ids) or list(self._asked)
            self._running |= {one: self._asked.pop(one) for one in asked if one in self._asked}
        elif kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            self._ended(begun)
        elif kind == "delta" and message.delta.new_element.HasField("exception"):
            self.problems.append(message.delta.new_element.exception.message)

    def _set_timer(self, fragment: str, every_s: float) -> None:
        """As a browser does: a timer that goes at this rate already is left alone."""
        if self._timers.get(fragment, (0.0, 0.0))[0] != every_s:
            self._timers[fragment] = (every_s, time.perf_counter() + every_s)

    def _ended(self, begun: float) -> None:
        now = time.perf_counter()
        self.opened_s = self.opened_s or now - begun
        self.refreshed_s += [now - asked for asked in self._running.values()]
        self.between_s += [now - self._ended_at[one] for one in self._running if one in self._ended_at]
        self._ended_at |= dict.fromkeys(self._running, now)
        self._running.clear()
