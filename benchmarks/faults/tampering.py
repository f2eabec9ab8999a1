"""Changes to the program around a run, as forks and notebooks have them: wrapped networks, altered loops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn

from edgeft_core import models
from edgeft_core.config import HeadConfig
from edgeft_core.data.images import IntArray
from edgeft_core.diagnostics.signals import BatchView
from edgeft_core.engine import optimisers
from edgeft_core.engine.embedding_store import weights_hash
from edgeft_core.engine.step import Stepper
from edgeft_core.models.edgeface import VARIANTS, EdgeFace
from edgeft_core.models.heads import MarginHead, build_head

ContextMaker = Callable[[], AbstractContextManager[object]]
Change = Callable[["Wrapped", Tensor, Tensor], Tensor]


class Wrapped(EdgeFace):
    """The small EdgeFace with something around it."""

    def __init__(self, embedding_dim: int, change: Change) -> None:
        super().__init__(VARIANTS["edgeface_xxs"], embedding_dim)
        self._change = change
        self.calls = 0

    def forward(self, images_B3HW: Tensor) -> Tensor:
        self.calls += self.training
        return self._change(self, images_B3HW, super().forward(images_B3HW))


def network(name: str, change: Change) -> ContextMaker:
    """A backbone ``name`` that changes what EdgeFace computes: ``change(network, images, embeddings)``."""

    def build(embedding_dim: int = 512, *, pretrained: bool = False) -> Wrapped:  # noqa: ARG001
        return Wrapped(embedding_dim, change)

    @contextmanager
    def registered() -> Iterator[None]:
        def own_hash(module: nn.Module) -> str:
            return f"{name} {weights_hash(module)}"  # embeddings of equal weights are not equal here

        with (
            patch.dict(models.BACKBONES, {name: build}),
            patch("edgeft_core.engine.feeds.weights_hash", own_hash),
        ):
            yield

    return registered


def dropout(share: float) -> Change:
    return lambda network, _, emb_BD: nn.functional.dropout(emb_BD, share, network.training)


def around_one_point(spread: float) -> Change:
    """Noise that depends on the picture and not on who is on it."""
    point_D = torch.nn.functional.normalize(
        torch.randn(512, generator=torch.Generator().manual_seed(5)), dim=0
    )

    def change(_: Wrapped, images_B3HW: Tensor, emb_BD: Tensor) -> Tensor:
        noise = []
        for image in images_B3HW.detach().cpu():
            seed = int(image.double().abs().sum().mul(1e6).long()) % (2**31)
            noise.append(torch.randn(512, generator=torch.Generator().manual_seed(seed)))
        away_BD = torch.nn.functional.normalize(torch.stack(noise), dim=1).to(emb_BD.device)
        return point_D + spread * away_BD + 0.0 * emb_BD

    return change


def detached(_: Wrapped, __: Tensor, emb_BD: Tensor) -> Tensor:
    """``torch.no_grad`` left around the backbone: a gradient cannot get in."""
    return emb_BD.detach().requires_grad_(emb_BD.requires_grad)


def broken_after(calls: int) -> Change:
    """A square root whose argument falls below zero after some training."""

    def change(network: Wrapped, _: Tensor, emb_BD: Tensor) -> Tensor:
        return emb_BD * torch.sqrt(torch.tensor(float(calls - network.calls)))

    return change


@contextmanager
def not_optimised(part: str) -> Iterator[None]:
    """The optimiser is built without the head or the backbone."""

    def build(head: nn.Module, backbone: nn.Module | None) -> torch.optim.AdamW:
        optimiser = optimisers.build_optimiser(head, backbone)
        spare = nn.Parameter(torch.zeros(1))
        for group in optimiser.param_groups:
            if group["name"] == part:
                group["params"] = [spare]
        return optimiser

    def clip(optimiser: torch.optim.Optimizer, limit: float) -> dict[str, Tensor]:
        norms = optimisers.clip(optimiser, limit)
        return {name: norm for name, norm in norms.items() if name != part}

    with patch("edgeft_core.engine.step.build_optimiser", build), patch("edgeft_core.engine.step.clip", clip):
        yield


@contextmanager
def merged_head(spread: float) -> Iterator[None]:
    """Class weights that all start from one vector."""

    def build(
        config: HeadConfig, embedding_dim: int, n_classes: int, generator: torch.Generator | None = None
    ) -> MarginHead:
        head = build_head(config, embedding_dim, n_classes, generator)
        with torch.no_grad():
            shared_D = head.weight[0].clone()
            head.weight.mul_(spread).add_(shared_D)
        return head

    with patch("edgeft_core.engine.preparation.build_head", build):
        yield


@contextmanager
def averaged_head(jitter: float) -> Iterator[None]:
    """Every step ends with all class weights at their mean, but for a little of what they were drawn as."""
    update = Stepper._update
    drawn: dict[int, Tensor] = {}

    def averaged(stepper: Stepper) -> None:
        weight_CD = stepper.head.weight
        own_CD = drawn.setdefault(id(stepper.head), weight_CD.detach().clone())
        update(stepper)
        with torch.no_grad():
            weight_CD.copy_(weight_CD.mean(dim=0) + jitter * own_CD)

    with patch.object(Stepper, "_update", averaged):
        yield


@contextmanager
def head_of_other_size(missing: int) -> Iterator[None]:
    """A head with fewer classes than there are people."""

    def build(
        config: HeadConfig, embedding_dim: int, n_classes: int, generator: torch.Generator | None = None
    ) -> MarginHead:
        return build_head(config, embedding_dim, n_classes - missing, generator)

    with patch("edgeft_core.engine.preparation.build_head", build):
        yield


@contextmanager
def longer_class_list(extra: int) -> Iterator[None]:
    """Names on the list of classes of whom there is no picture."""
    from edgeft_core.data import open_dataset  # noqa: PLC0415 - the one that is replaced below

    def opened(*arguments: Any, **named: Any) -> Any:
        dataset = open_dataset(*arguments, **named)
        absent = tuple(f"zz_{number:04d}" for number in range(extra))
        return replace(dataset, class_names=(*dataset.class_names, *absent))

    places = ("edgeft_core.engine.preparation.open_dataset", "edgeft_core.preflight.subject.open_dataset")
    with ExitStack() as stack:
        for place in places:
            stack.enter_context(patch(place, opened))
        yield


@contextmanager
def order(arrange: Callable[[int, int, int], IntArray]) -> Iterator[None]:
    """Batches in another order than by lot: ``arrange(images, seed, epoch)``."""
    places = ("edgeft_core.engine.feeds.epoch_order", "edgeft_core.diagnostics.probes.labels.epoch_order")
    with ExitStack() as stack:
        for place in places:
            stack.enter_context(patch(place, arrange))
        yield


def as_listed(images: int, seed: int, epoch: int) -> IntArray:  # noqa: ARG001
    """Sorted by person, as folders list them."""
    return np.arange(images, dtype=np.int64)


def in_blocks(size: int) -> Callable[[int, int, int], IntArray]:
    """Blocks of the sorted list in an order by lot, as a shuffle over chunks of files gives."""

    def arrange(images: int, seed: int, epoch: int) -> IntArray:
        blocks = np.array_split(np.arange(images, dtype=np.int64), max(1, images // size))
        chosen = np.random.default_rng([seed, epoch]).permutation(len(blocks))
        return np.concatenate([blocks[one] for one in chosen])

    return arrange


@contextmanager
def margin_in_scores() -> Iterator[None]:
    """Accuracy is computed from the logits that go into the loss."""

    def view(*arguments: Any, **named: Any) -> BatchView:
        plain = BatchView(*arguments, **named)
        assert plain.with_margin_B is not None
        own_B1 = (plain.with_margin_B * plain.s_eff)[:, None]
        return replace(plain, logits_BC=plain.logits_BC.scatter(1, plain.labels_B[:, None], own_B1))

    with patch("edgeft_core.engine.forward.BatchView", view):
        yield


@contextmanager
def together(*makers: ContextMaker) -> Iterator[None]:
    """Several at once."""
    with ExitStack() as stack:
        for make in makers:
            stack.enter_context(make())
        yield
