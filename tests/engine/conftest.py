"""One uninterrupted tiny run that several tests look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeft_core.events import Event
from tests.engine.runs import events_of, tiny


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds the runs and their shared cache."""
    return tmp_path_factory.mktemp("engine")


@pytest.fixture(scope="session")
def whole_run(home: Path) -> list[Event]:
    """All events of ``tiny()``, from a cold cache."""
    return events_of(tiny(), home, name="whole")
