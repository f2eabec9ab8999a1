"""Waiting for other processes in tests: a condition and a deadline, no guesses about speed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest


def wait_until(condition: Callable[[], Any], what: str, timeout_s: float) -> None:
    """Ask again and again until ``condition`` answers something true; fail after ``timeout_s``."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"Waited {timeout_s:.0f} s in vain: {what}.")
        time.sleep(0.05)


def insist(act: Callable[[], Any], condition: Callable[[], Any], what: str, timeout_s: float = 60) -> None:
    """Repeat an action whose repetition does no harm until ``condition`` holds.

    A click that falls between two states of a page is lost, for tests on a busy machine as for people.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        act()
        again = time.monotonic() + 6
        while time.monotonic() < min(again, deadline):
            if condition():
                return
            time.sleep(0.1)
    pytest.fail(f"Insisted {timeout_s:.0f} s in vain: {what}.")
