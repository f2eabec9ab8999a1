"""Real runs for tests: small configs, and waiting for what other processes do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.jobs.states import RunState
from edgeft_core.presets import PRESETS
from edgeft_core.store.catalog import SqlCatalog
from edgeft_core.store.contract import RunRecord

T = TypeVar("T")

# Learning so slowly, the head stays collapsed for long, and with the fix still learns within a trial.
LASTING_COLLAPSE = {
    "data.identities": 50,
    "data.images_per_identity": 6,
    "data.workers": 0,
    "stages.0.head_lr": 5e-5,
    "stages.0.epochs": 10_000,
    "stages.0.patience_epochs": 10_000,
    "stages.0.cached_views": 1,
    "monitor.validate_every_epochs": 500,
    "threads": 1,
}
"""Changes of the preset ``collapse-demo``."""


def short() -> RunConfig:
    """The smoke preset on one thread."""
    return with_values(PRESETS["smoke"](), {"threads": 1})


def endless() -> RunConfig:
    """Fast cached steps that go on until somebody ends them."""
    changes = {
        "stages.0.epochs": 10_000,
        "stages.0.patience_epochs": 10_000,
        "monitor.validate_every_epochs": 500,
    }
    return with_values(short(), changes)


def wait_for(look: Callable[[], T | None], *, timeout_s: float = 240.0) -> T:
    """The first true answer of ``look``."""
    deadline = time.monotonic() + timeout_s
    while not (answer := look()):
        assert time.monotonic() < deadline, f"nothing came of waiting {timeout_s:.0f} s"
        time.sleep(0.05)
    return answer


def wait_for_state(catalog: SqlCatalog, run_id: str, *states: RunState) -> RunRecord:
    """The run once it is in one of the states; a run that fails on the way tells why."""

    def look() -> RunRecord | None:
        run = catalog.run(run_id)
        assert run.state in states or run.state is not RunState.FAILED, run.error
        return run if run.state in states else None

    return wait_for(look)


def wait_for_step(catalog: SqlCatalog, run_id: str, step: int) -> RunRecord:
    """The run once its heartbeat told at least this step."""

    def look() -> RunRecord | None:
        run = catalog.run(run_id)
        assert run.state is not RunState.FAILED, run.error
        return run if int(run.summary.get("step") or 0) >= step else None

    return wait_for(look)
