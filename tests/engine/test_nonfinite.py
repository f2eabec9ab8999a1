"""NaN stops a run before the update and says where."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from edgeft_core.engine.leg import Leg
from edgeft_core.errors import NonFiniteError
from edgeft_core.events import BatchDone, FirstBatch
from edgeft_core.models import build_backbone
from tests.engine.runs import started, tiny
from tests.engine.sessions import batches_of, session_of


@pytest.fixture(params=[0, 1], ids=["frozen", "trained"])
def leg(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Leg]:
    """A stage with a frozen backbone (embedding anew each time), or one that trains it."""
    session = session_of(tiny(stages__0__cached_views=0), tmp_path)
    leg = Leg(session, int(request.param))
    yield leg
    leg.close()


def weights(leg: Leg) -> list[torch.Tensor]:
    modules = (leg.session.head, leg.session.embedder.backbone)
    return [one.detach().clone() for module in modules for one in module.parameters()]


def taken_at(leg: Leg, place: str) -> NonFiniteError:
    """Take the next step; it must fail there, and change no weight."""
    before = weights(leg)
    with pytest.raises(NonFiniteError, match=place) as failed:
        leg.step(batches_of(leg)[1])
    pairs = zip(before, weights(leg), strict=True)
    assert all(torch.equal(old.nan_to_num(), new.nan_to_num()) for old, new in pairs)
    assert leg.session.position.step == 1
    return failed.value


def test_a_module_that_overflows_is_named(leg: Leg) -> None:
    leg.step(batches_of(leg)[0])
    with torch.no_grad():
        leg.session.embedder.backbone.get_parameter("model.stages.2.blocks.1.mlp.fc1.weight").fill_(3e38)
    error = taken_at(leg, r"(NaN|infinity) in the output of backbone\.model\.stages\.2\.blocks\.1\.mlp\.fc1")
    assert "Step 2 " in str(error)
    assert leg.settings.name in str(error)
    assert "The update was not made" in str(error)


def test_a_weight_of_the_backbone_that_is_nan_is_named(leg: Leg) -> None:
    leg.step(batches_of(leg)[0])
    with torch.no_grad():
        leg.session.embedder.backbone.get_parameter("model.stem.0.weight")[3] = torch.nan
    taken_at(leg, r"NaN in the weight backbone\.model\.stem\.0\.weight")


def test_a_class_weight_that_is_infinite_is_named(leg: Leg) -> None:
    leg.step(batches_of(leg)[0])
    with torch.no_grad():
        leg.session.head.weight[4, 2] = torch.inf
    taken_at(leg, r"infinity in the weight head\.weight")


def test_a_gradient_that_overflows_though_the_loss_does_not_is_named(leg: Leg) -> None:
    leg.step(batches_of(leg)[0])
    leg.session.head.weight.register_hook(lambda gradient: gradient * torch.inf)  # type: ignore[no-untyped-call]
    taken_at(leg, r"(NaN|infinity) in the gradient of head\.weight")


def test_a_weight_file_whose_numbers_overflow_ends_the_run_with_the_place(tmp_path: Path) -> None:
    module = build_backbone(tiny().backbone).module
    tensors = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    tensors["model.stages.1.blocks.0.mlp.fc2.weight"] *= 1e38
    tensors["model.stages.1.blocks.0.mlp.fc1.weight"] *= 1e38
    file = tmp_path / "huge.safetensors"
    save_file(tensors, file)
    config = tiny(backbone__weights=str(file))
    told = []
    with pytest.raises(NonFiniteError, match=r"Step 1 .*output of backbone\.model\.stages\.1\.") as failed:
        for event in started(config, tmp_path):
            told.append(event)
    assert not any(isinstance(event, BatchDone) for event in told)
    assert any(isinstance(event, FirstBatch) for event in told)
    assert "step 0" in str(failed.value)
