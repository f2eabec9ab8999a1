"""A browser session without a browser: Streamlit's protocol over its WebSocket, fragments that run again included."""

from __future__ import annotations

import heapq
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

_LOOK_EVERY_S = 0.05
_LARGEST = 64 * 2**20


@dataclass
class Session:
    """One visitor who looks at one page of a local server.

    Attributes:
        opened_s: seconds from asking for the page to its end.
        refreshed_s: of each fragment that ran again by itself.
        received_bytes: everything that came.
        problems: exceptions that the page showed.
    """

    port: int
    page: str
    run_id: str = ""
    opened_s: float = 0.0
    refreshed_s: list[float] = field(default_factory=list)
    received_bytes: int = 0
    problems: list[str] = field(default_factory=list)

    def look(self, seconds: float, over: threading.Event) -> None:
        """Open the page and keep looking, as an open tab does."""
        address = f"ws://127.0.0.1:{self.port}/_stcore/stream"
        with connect(address, subprotocols=["streamlit"], max_size=_LARGEST, open_timeout=60) as socket:  # type: ignore[list-item]
            begun = time.perf_counter()
            self._ask(socket)
            due = self._read_until_finished(socket, [])
            self.opened_s = time.perf_counter() - begun
            until = time.perf_counter() + seconds
            while time.perf_counter() < until and not over.is_set():
                if not due or due[0][0] > time.perf_counter():
                    time.sleep(_LOOK_EVERY_S)
                    continue
                _, fragment, every_s = heapq.heappop(due)
                begun = time.perf_counter()
                self._ask(socket, fragment)
                due = self._read_until_finished(socket, due)
                self.refreshed_s.append(time.perf_counter() - begun)
                if not any(one[1] == fragment for one in due):
                    heapq.heappush(due, (time.perf_counter() + every_s, fragment, every_s))

    def _ask(self, socket: ClientConnection, fragment: str = "") -> None:
        message = BackMsg()
        message.rerun_script.query_string = urlencode({"run": self.run_id} if self.run_id else {})
        message.rerun_script.page_name = self.page
        if fragment:
            message.rerun_script.fragment_id = fragment
            message.rerun_script.is_auto_rerun = True
        socket.send(message.SerializeToString())

    def _read_until_finished(
        self, socket: ClientConnection, due: list[tuple[float, str, float]]
    ) -> list[tuple[float, str, float]]:
        """Take in what the server sends until the script has run; fragments that want to run again, by time."""
        while True:
            blob = socket.recv(timeout=120)
            assert isinstance(blob, bytes)
            self.received_bytes += len(blob)
            message = ForwardMsg.FromString(blob)
            kind = message.WhichOneof("type")
            if kind == "auto_rerun":
                told = message.auto_rerun
                due = [one for one in due if one[1] != told.fragment_id]
                heapq.heappush(due, (time.perf_counter() + told.interval, told.fragment_id, told.interval))
            elif kind == "delta" and message.delta.new_element.HasField("exception"):
                self.problems.append(message.delta.new_element.exception.message)
            elif kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                heapq.heapify(due)
                return due
