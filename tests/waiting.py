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
