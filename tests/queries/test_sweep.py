"""What pages and the command line read of a sweep."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeft_core import queries
from edgeft_core.errors import RequestError
from edgeft_core.settings import Home
from tests.recorded_sweep import STEPS, record_sweep


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").ensure()


def test_a_row_per_head_at_its_newest_look(home: Home) -> None:
    results = queries.sweep_results(home, record_sweep(home, looks=3).id)
    frame = queries.sweep_frame(results)
    assert len(frame) == 12
    assert set(frame["step"]) == {STEPS[2]}
    assert results.newest_look() == 2
    first = frame.iloc[0]
    assert (first["head.scale"], first["head.temperature"], first["stages.0.head_lr"]) == (2.0, 1.0, 1e-4)


def test_earlier_looks_are_still_there(home: Home) -> None:
    results = queries.sweep_results(home, record_sweep(home).id)
    assert set(queries.sweep_frame(results, step=19)["step"]) == {4}
    every = queries.sweep_frame(results, every_look=True)
    assert len(every) == 12 * len(STEPS)


def test_the_best_heads_come_first_and_can_be_run_alone(home: Home) -> None:
    results = queries.sweep_results(home, record_sweep(home).id)
    frame = queries.sweep_frame(results)
    best = queries.best_heads(frame)
    assert len(best) == 5
    shares = frame.set_index("head").loc[best, "val_max_class_share"]
    assert shares.max() < 0.1
    config = queries.head_config(results, best[0])
    assert config.sweep is None
    assert config.head.scale / config.head.temperature >= 4


def test_a_run_that_is_no_sweep_is_told_so(home: Home) -> None:
    from contextlib import closing  # noqa: PLC0415

    from edgeft_core import store  # noqa: PLC0415
    from edgeft_core.config import RunConfig  # noqa: PLC0415

    with closing(store.open_catalog(home.catalog_url)) as catalog:
        catalog.add_run("plain", "plain", RunConfig())
    with pytest.raises(RequestError, match="is no sweep; start one with"):
        queries.sweep_results(home, "plain")
