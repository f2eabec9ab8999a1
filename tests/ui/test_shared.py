"""What many sessions ask at once is worked out once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ui.shared import Shared


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def counting(answers: list[int]) -> int:
    answers.append(len(answers))
    return answers[-1]


def test_many_threads_that_ask_at_once_get_what_one_of_them_worked_out() -> None:
    shared = Shared[int](most=4)
    answers: list[int] = []
    everybody_asks, all_asked = threading.Barrier(8), threading.Event()

    def slowly() -> int:
        all_asked.wait(10)
        return counting(answers)

    def ask() -> int:
        if everybody_asks.wait(10) == 0:
            threading.Timer(0.1, all_asked.set).start()
        return shared.get("loss", slowly, keep_s=60)

    with ThreadPoolExecutor(8) as pool:
        found = [one.result() for one in [pool.submit(ask) for _ in range(8)]]
    assert found == [0] * 8
    assert answers == [0]


def test_an_answer_is_forgotten_a_moment_after_somebody_began_to_work_it_out() -> None:
    clock, answers = Clock(), list[int]()
    shared = Shared[int](most=4, clock=clock)
    asked = []
    for clock.now_s in (0.0, 0.3, 0.5, 0.8):
        asked.append(shared.get("loss", lambda: counting(answers), keep_s=0.4))
    assert asked == [0, 0, 1, 1]


def test_another_question_has_another_answer() -> None:
    shared, answers = Shared[int](most=4), list[int]()
    assert [shared.get(one, lambda: counting(answers), keep_s=60) for one in ("a", "b", "a")] == [0, 1, 0]


def test_no_more_answers_are_kept_than_agreed() -> None:
    shared, answers = Shared[int](most=2), list[int]()
    for question in ("a", "b", "c", "a"):
        shared.get(question, lambda: counting(answers), keep_s=60)
    assert len(answers) == 4, "the oldest was kept although two newer ones came"
    assert len(shared._answers) == 2


def test_an_error_is_told_and_not_kept() -> None:
    shared = Shared[int](most=4)

    def fails() -> int:
        raise ValueError("the file is locked")

    with pytest.raises(ValueError, match="locked"):
        shared.get("loss", fails, keep_s=60)
    assert shared.get("loss", lambda: 7, keep_s=60) == 7


def test_who_waited_for_an_answer_that_failed_tries_for_themselves() -> None:
    shared = Shared[int](most=4)
    begun, go_on = threading.Event(), threading.Event()

    def fails() -> int:
        begun.set()
        go_on.wait(10)
        raise ValueError("the file is locked")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(shared.get, "loss", fails, keep_s=60)
        assert begun.wait(10)
        second = pool.submit(shared.get, "loss", lambda: 7, keep_s=60)
        go_on.set()
        assert second.result() == 7
        with pytest.raises(ValueError, match="locked"):
            first.result()
