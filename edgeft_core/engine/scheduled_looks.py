"""Looks at single steps: what goes into the backbone, how far the update moved each part, who pulls harder."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from edgeft_core.diagnostics.signals import CHANGE_SIGNALS, INPUT_SIGNALS
from edgeft_core.diagnostics.signals.gradients import contrastive_share
from edgeft_core.engine.collaborator import Collaborator
from edgeft_core.engine.forward import StepBatch
from edgeft_core.engine.leg import Leg
from edgeft_core.engine.pixels import as_tensor
from edgeft_core.engine.step import StepTaken
from edgeft_core.events import Event, SignalsMeasured

EARLY_STEPS = frozenset({1, 10, 30})
"""Steps of every stage that are looked at besides the schedule: a part that is not trained shows at once."""


class InputLook(Collaborator):
    """Measures the images of the first batch of every stage as the backbone gets them."""

    def before_step(self, leg: Leg, batch: StepBatch) -> Iterable[Event]:
        position = leg.session.position
        if position.epoch or position.batch:
            return ()
        images_B3HW = batch.faces.images_B3HW if batch.faces is not None else _plain(leg, batch)
        scalars = {name: float(signal(images_B3HW)) for name, signal in INPUT_SIGNALS.items()}
        return (SignalsMeasured(position.step + 1, scalars),)


class UpdateLook(Collaborator):
    """Measures what single steps did to the parameters: early in each stage, then every ``every_steps``.

    It asks the modules and not the optimiser, so that a part that the optimiser does not know is seen.
    """

    def __init__(self, every_steps: int) -> None:
        self._every = every_steps
        self._before: dict[str, list[Tensor]] = {}

    def before_step(self, leg: Leg, batch: StepBatch) -> Iterable[Event]:  # noqa: ARG002
        due = leg.steps_done + 1 in EARLY_STEPS or (leg.session.position.step + 1) % self._every == 0
        self._before = {name: _copied(module) for name, module in _trained(leg).items()} if due else {}
        return ()

    def after_step(self, leg: Leg, batch: StepBatch, taken: StepTaken) -> Iterable[Event]:  # noqa: ARG002
        if not self._before:
            return ()
        scalars: dict[str, float] = {}
        for name, module in _trained(leg).items():
            after = [one.detach() for one in module.parameters()]
            for signal, measured in CHANGE_SIGNALS.items():
                scalars[f"{signal}_{name}"] = float(measured(self._before[name], after))
        scalars |= _pull(leg, taken)
        if leg.stepper.scaler.is_enabled():
            scalars["amp_scale"] = float(leg.stepper.scaler.get_scale())
        self._before = {}
        return (SignalsMeasured(leg.session.position.step, scalars),)


def _trained(leg: Leg) -> dict[str, nn.Module]:
    """The parts that this stage should train."""
    trained: dict[str, nn.Module] = {"head": leg.session.head}
    if leg.settings.train_backbone:
        trained["backbone"] = leg.session.embedder.backbone
    return trained


def _copied(module: nn.Module) -> list[Tensor]:
    return [one.detach().clone() for one in module.parameters()]


def _plain(leg: Leg, batch: StepBatch) -> Tensor:
    """The batch's images without augmentation, where the stage itself works on cached embeddings."""
    session = leg.session
    hr, lr = session.dataset.read_pair(batch.indices_B.numpy())
    return session.pixels(as_tensor(hr), as_tensor(lr), batch.indices_B, view=None, twins=0).images_B3HW


@torch.no_grad()
def _pull(leg: Leg, taken: StepTaken) -> dict[str, float]:
    """The SR/HR term's share of the gradient, where there is such a term."""
    view, weight = taken.forward.view, leg.settings.contrastive_weight
    if taken.forward.loss_contrastive is None or view.same_image_B is None or view.with_margin_B is None:
        return {}
    head = leg.session.head
    own_B1 = (head.effective_scale * view.with_margin_B)[:, None]
    share = contrastive_share(
        taken.forward.embeddings.z_BD,
        normalize(head.weight.detach(), dim=1),
        view.logits_BC.scatter(1, view.labels_B[:, None], own_B1),
        view.labels_B,
        view.same_image_B,
        s_eff=head.effective_scale,
        weight=weight,
    )
    return {"contrastive_gradient_share": float(share)}
