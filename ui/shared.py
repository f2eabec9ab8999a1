"""What many sessions ask at nearly the same moment, worked out once for all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

T = TypeVar("T")

KEEP_S: Final = 0.4  # the recorder writes every 0.2 s; a page looks every 0.8 s


@dataclass(frozen=True)
class _Answer(Generic[T]):
    """Of one question; its age counts from when somebody began to work it out."""

    begun_s: float
    future: Future[T] = field(default_factory=Future)


class Shared(Generic[T]):
    """Answers by question. The first who asks works it out, the others wait for that; a moment later it is forgotten.

    Several threads get the same answer, so nobody may change it. What raises is not kept, and told to who worked it
    out; who waited tries it for themselves.

    Args:
        keep_s: how old an answer may become. most: how many are kept.
    """

    def __init__(
        self, *, most: int, keep_s: float = KEEP_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._keep_s, self._clock = most, keep_s, clock
        self._lock = threading.Lock()
        self._answers: dict[Hashable, _Answer[T]] = {}

    def get(self, question: Hashable, work_out: Callable[[], T]) -> T:
        """The answer to ``question``; it must name everything that ``work_out`` depends on, but for time."""
        answer, is_mine = self._find(question)
        if not is_mine:
            return answer.future.result() if answer.future.exception() is None else work_out()
        try:
            found = work_out()
        except BaseException as error:
            self._forget(question, answer)
            answer.future.set_exception(error)
            raise
        answer.future.set_result(found)
        return found

    def _find(self, question: Hashable) -> tuple[_Answer[T], bool]:
        """An answer that is young enough, or a place for a new one and the duty to fill it."""
        with self._lock:
            now = self._clock()
            held = self._answers.get(question)
            if held is not None and now - held.begun_s < self._keep_s:
                return held, False
            fresh = _Answer[T](now)
            self._answers.pop(question, None)
            self._answers[question] = fresh  # the newest last
            while len(self._answers) > self._most:
                del self._answers[next(iter(self._answers))]
            return fresh, True

    def _forget(self, question: Hashable, answer: _Answer[T]) -> None:
        with self._lock:
            if self._answers.get(question) is answer:
                del self._answers[question]
