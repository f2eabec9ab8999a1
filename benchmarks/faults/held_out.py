"""Variants that no rule was tuned on: run once, reported apart."""

from __future__ import annotations

from benchmarks.faults.fault import Fault

HELD_OUT: tuple[Fault, ...] = ()
