"""Signals too heavy for every batch: effective rank of recent embeddings, cosines between class weights."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from edgeft_core.diagnostics.signals import PROTOTYPE_SIGNALS, SPREAD_SIGNALS
from edgeft_core.engine.collaborator import Collaborator
from edgeft_core.engine.forward import StepBatch
from edgeft_core.engine.leg import Leg
from edgeft_core.engine.step import StepTaken
from edgeft_core.events import Event, SignalsMeasured

RECENT_IMAGES = 128
"""The effective rank looks at so many of the latest embeddings: more would cost the cube of their number."""

FROZEN_EVERY = 5
"""Embeddings of a frozen backbone do not change: they are measured once, then at every so many-th look."""


class HeavySignals(Collaborator):
    """Measures every ``every_steps`` steps."""

    def __init__(self, every_steps: int) -> None:
        self._every = every_steps
        self._recent: deque[Tensor] = deque()
        self._images = 0

    def after_step(self, leg: Leg, batch: StepBatch, taken: StepTaken) -> Iterable[Event]:  # noqa: ARG002
        step = leg.session.position.step
        if (-step % self._every) * leg.session.batch_size >= RECENT_IMAGES:
            return ()  # by the next look there will be enough later ones
        self._recent.append(taken.forward.embeddings.emb_BD)
        self._images += len(self._recent[-1])
        while self._images - len(self._recent[0]) >= RECENT_IMAGES:
            self._images -= len(self._recent.popleft())
        if step % self._every:
            return ()
        scalars = prototypes_of(leg.session.head.weight)
        if self._may_have_changed(leg):
            scalars |= spread_of(torch.cat(list(self._recent)))
        return (SignalsMeasured(step, scalars),)

    def _may_have_changed(self, leg: Leg) -> bool:
        first = leg.steps_done <= self._every
        return not leg.feed.cached or first or leg.session.position.step % (FROZEN_EVERY * self._every) == 0

    def state(self) -> dict[str, Any]:
        return {"recent": [emb_BD.cpu() for emb_BD in self._recent]}

    def load(self, state: dict[str, Any]) -> None:
        self._recent = deque(state["recent"])
        self._images = sum(map(len, self._recent))


@torch.no_grad()
def spread_of(emb_ND: Tensor) -> dict[str, float]:
    """How the latest embeddings are spread; they need not be normalised yet."""
    z_ND = normalize(emb_ND[-RECENT_IMAGES:].float(), dim=1)
    return {name: float(signal(z_ND)) for name, signal in SPREAD_SIGNALS.items()}


@torch.no_grad()
def prototypes_of(weight_CD: Tensor) -> dict[str, float]:
    """How class weights, which need not be normalised, stand to each other."""
    w_CD = normalize(weight_CD.detach().float(), dim=1)
    return {name: float(signal(w_CD)) for name, signal in PROTOTYPE_SIGNALS.items()}
