"""Requests that wait for their turn: what is to be made again, what was given a step, what was asked just now."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

from edgeft_core.events import ControlRequest

CHANGING: Collection[str] = frozenset({"set", "rewind"})
"""Kinds that change what is computed; the others leave no trace in the numbers."""


class Agenda:
    """Which request is seen to next.

    Changes take effect in the order in which the journal tells them. So what the run did before, after the checkpoint
    that it goes on from, is done again before anything new changes it, and at one step the older request comes first.
    """

    def __init__(self) -> None:
        self._again: deque[ControlRequest] = deque()
        self._dated: deque[ControlRequest] = deque()
        self._asked: deque[ControlRequest] = deque()

    def __bool__(self) -> bool:
        return bool(self._asked or self._dated or self._again)

    def add(self, request: ControlRequest, *, at_once: bool = False) -> None:
        """Take in a request; ``at_once`` it does not wait for its step."""
        if request.again:
            self._again.append(request)
        elif request.at_step and not at_once:
            self._dated.append(request)
        else:
            self._asked.append(request)

    def next(self, step: int) -> ControlRequest | None:
        """The request to see to before a step, None where there is none (any more)."""
        for queue in (self._again, self._dated):
            if queue and queue[0].at_step <= step:
                return queue.popleft()
        for place, request in enumerate(self._asked):
            if not (self._again and request.kind in CHANGING):
                del self._asked[place]
                return request
        return None

    def to_come(self) -> list[int]:
        """Ids of those that wait for a step of their own."""
        return [one.command_id for one in (*self._again, *self._dated)]

    def may_change_first(self, but: Collection[int]) -> bool:
        """Whether something waits that will change settings before what is asked now; ``but`` are known to."""
        ahead = (one for one in self._asked if one.kind in CHANGING)
        return bool(self._again or self._dated) or any(one.command_id not in but for one in ahead)

    def taken_back_by(self, rewind: ControlRequest) -> list[ControlRequest]:
        """Take out the changes that were asked for before a rewind and have not had their step yet."""
        gone = [one for one in self._dated if one.kind in CHANGING and one.command_id < rewind.command_id]
        self._dated = deque(one for one in self._dated if one not in gone)
        return gone
