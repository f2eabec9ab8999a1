"""What many sessions ask at nearly the same moment, worked out once for all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


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
        most: answers that are kept.
    """

    def __init__(self, *, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._lock = threading.Lock()
        self._answers: dict[Hashable, _Answer[T]] = {}

    def get(self, question: Hashable, work_out: Callable[[], T], *, keep_s: float) -> T:
        """The answer to ``question``, at most ``keep_s`` old.

        Args:
            question: names everything that ``work_out`` depends on, but for time.
        """
        answer, is_mine = self._find(question, keep_s)
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

    def _find(self, question: Hashable, keep_s: float) -> tuple[_Answer[T], bool]:
        """An answer that is young enough, or a place for a new one and the duty to fill it."""
        with self._lock:
            now = self._clock()
            held = self._answers.get(question)
            if held is not None and now - held.begun_s < keep_s:
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
