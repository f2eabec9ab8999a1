"""How often pages look for news when many are open."""

from __future__ import annotations

import pytest

from ui.pace import LONGEST, MOST_SHARE, Pace


class Server:
    """A process whose sessions would take ``demand`` of a core if they were not slowed down; at most all of it."""

    def __init__(self, demand: float) -> None:
        self.demand = demand
        self.now_s = self.used_s = 0.0
        self.pace = Pace(used_s=lambda: self.used_s, clock=lambda: self.now_s)

    def share_after(self, seconds: int) -> float:
        """Of the core, in the last second."""
        share = 0.0
        for _ in range(seconds):
            share = min(1.0, self.demand / self.pace.factor())
            self.now_s += 1.0
            self.used_s += share
        return share


def test_a_few_sessions_are_not_slowed_down() -> None:
    server = Server(demand=0.2)
    server.share_after(20)
    assert server.pace.factor() == 1.0


@pytest.mark.parametrize("demand", [0.6, 1.0, 2.0])
def test_many_sessions_together_take_the_agreed_share(demand: float) -> None:
    server = Server(demand)
    assert 0.6 * MOST_SHARE <= server.share_after(30) <= MOST_SHARE


def test_nobody_waits_longer_than_the_longest_however_many_look() -> None:
    server = Server(demand=50.0)
    server.share_after(60)
    assert server.pace.factor() == LONGEST


def test_when_they_have_left_the_pace_is_the_usual_one_again() -> None:
    server = Server(demand=2.0)
    server.share_after(30)
    assert server.pace.factor() > 3
    server.demand = 0.1
    server.share_after(10)
    assert server.pace.factor() == 1.0


def test_the_pace_stays_while_the_load_does() -> None:
    server = Server(demand=1.0)
    server.share_after(20)
    factors = set()
    for _ in range(20):
        server.share_after(1)
        factors.add(server.pace.factor())
    assert len(factors) == 1


def test_sessions_of_a_busy_server_do_not_all_ask_at_the_same_moment() -> None:
    server = Server(demand=2.0)
    assert {server.pace.stretched(0.8) for _ in range(20)} == {0.8}
    server.share_after(30)
    waits_s = {server.pace.stretched(0.8) for _ in range(20)}
    assert len(waits_s) == 20
    assert max(waits_s) < 1.5 * min(waits_s)
