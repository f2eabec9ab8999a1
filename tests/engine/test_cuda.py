"""The same engine on a GPU: mixed precision, and NaN that is found without waiting for the device."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from edgeft_core.engine.leg import Leg
from edgeft_core.errors import NonFiniteError
from edgeft_core.events import BatchDone, RunEnded, RunPrepared
from tests.engine.runs import events_of, of, stop_at, tiny
from tests.engine.sessions import batches_of, session_of

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA"),
]


@pytest.mark.parametrize("amp", [False, True])
def test_a_run_finishes_and_tells_every_step_in_order(tmp_path: Path, amp: bool) -> None:
    events = events_of(tiny(device="cuda", amp=amp), tmp_path)
    assert of(RunPrepared, events)[0].device.startswith("cuda:0 ")
    assert [one.step for one in of(BatchDone, events)] == list(range(1, 25))
    assert of(RunEnded, events)[0].reason == "finished"


def test_a_stopped_run_goes_on(tmp_path: Path) -> None:
    first = events_of(tiny(device="cuda"), tmp_path, controls=stop_at(16))
    second = events_of(tiny(device="cuda"), tmp_path, resume=True)
    steps = [one.step for one in of(BatchDone, [*first, *second])]
    assert sorted(set(steps)) == list(range(1, 25))


@pytest.mark.parametrize("stage", [0, 1])
def test_a_step_that_is_not_finite_changes_no_weight_and_neither_do_those_after_it(
    tmp_path: Path, stage: int
) -> None:
    leg = Leg(session_of(tiny(device="cuda", amp=False), tmp_path), stage)
    batches = batches_of(leg)
    leg.step(batches[0])
    spoilt = leg.session.head.weight.register_hook(lambda gradient: gradient * torch.nan)  # type: ignore[no-untyped-call]
    before = [one.detach().clone() for one in leg.session.head.parameters()]
    leg.step(batches[1])
    spoilt.remove()
    taken = leg.step(batches[2])
    assert all(map(torch.equal, before, leg.session.head.parameters()))
    assert not bool(taken.finite)
    leg.close()


def test_a_network_that_overflows_ends_the_run_with_the_place(tmp_path: Path) -> None:
    leg = Leg(session_of(tiny(device="cuda", amp=False), tmp_path), 1)
    with torch.no_grad():
        leg.session.embedder.backbone.get_parameter("model.stages.1.blocks.0.mlp.fc1.weight").fill_(3e38)
    batch = batches_of(leg)[0]
    leg.step(batch)
    error = leg.nonfinite(1, 0, batch.indices_B.numpy())
    assert isinstance(error, NonFiniteError)
    assert "output of backbone.model.stages.1.blocks.0.mlp.fc1" in str(error)
    leg.close()
