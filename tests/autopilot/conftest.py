"""The home of the job tests, for runs that an autopilot watches."""

from __future__ import annotations

from tests.jobs.conftest import catalog, home

__all__ = ["catalog", "home"]
