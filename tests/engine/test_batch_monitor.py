"""Numbers that arrive late: what the device learns after the host has gone on."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from edgeft_core.engine.batch_monitor import BatchMonitor
from edgeft_core.engine.leg import Leg
from edgeft_core.errors import NonFiniteError
from edgeft_core.events import BatchDone
from tests.engine.runs import tiny
from tests.engine.sessions import batches_of, session_of


def test_a_step_that_turns_out_not_finite_later_ends_the_run_with_its_own_number_and_place(
    home: Path,
) -> None:
    leg = Leg(session_of(tiny(), home), 0)
    monitor = BatchMonitor(window_images=40, n_classes=12)
    first, second = batches_of(leg)[:2]
    list(monitor.before_step(leg, first))
    assert isinstance(next(iter(monitor.after_step(leg, first, leg.step(first)))), BatchDone)
    taken = leg.step(second)
    late = dataclasses.replace(taken, finite=torch.zeros(()))
    with torch.no_grad():
        leg.session.head.weight[3, 0] = torch.nan
    with pytest.raises(NonFiniteError, match=r"Step 2 .*NaN in the weight head\.weight"):
        list(monitor.after_step(leg, second, late))
    leg.close()


def test_signals_that_have_no_value_are_left_out(home: Path) -> None:
    leg = Leg(session_of(tiny(), home), 0)
    batch = batches_of(leg)[0]
    assert batch.same_image_B is not None
    unmeasured = dataclasses.replace(batch, same_image_B=torch.full((8,), torch.nan))
    monitor = BatchMonitor(window_images=40, n_classes=12)
    list(monitor.before_step(leg, unmeasured))
    done = next(iter(monitor.after_step(leg, unmeasured, leg.step(unmeasured))))
    assert isinstance(done, BatchDone)
    assert "cos_same_image" not in done.scalars
    leg.close()
