"""Where did NaN or infinity first appear? The batch is run again with a look at every module."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from edgeft_core.engine.embedder import Embedder
from edgeft_core.engine.forward import StepBatch, forward
from edgeft_core.errors import NonFiniteError
from edgeft_core.models.heads import MarginHead


def explain(
    batch: StepBatch,
    embedder: Embedder,
    head: MarginHead,
    contrastive_weight: float,
    *,
    step: int,
    stage_name: str,
) -> NonFiniteError:
    """The error that ends the run, with the first place that is not finite.

    The weights are those from before the step, so running the batch again shows the same.
    """
    where = first_place(batch, embedder, head, contrastive_weight)
    return NonFiniteError(
        f"Step {step} (stage {stage_name}): {where}. The update was not made, so the weights are those of "
        f"step {step - 1}. Lower the learning rates or the scale, check data.normalisation and the weight file, "
        "or go on from the last checkpoint."
    )


def first_place(batch: StepBatch, embedder: Embedder, head: MarginHead, contrastive_weight: float) -> str:
    """In words: input, weights, module, logits, loss or gradient, whichever comes first."""
    for found in (
        _in_weights(embedder.backbone, "backbone"),
        _in_weights(head, "head"),
        _in_input(batch),
    ):
        if found:
            return found
    return _in_pass(batch, embedder, head, contrastive_weight)


def _bad(tensors: Iterable[tuple[str, Tensor]]) -> str:
    """Name of the first tensor that holds NaN or infinity, with what it holds; else nothing."""
    for name, tensor in tensors:
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            kind = "NaN" if bool(torch.isnan(tensor).any()) else "infinity"
            return f"{kind} in {name}"
    return ""


def _in_weights(module: nn.Module, what: str) -> str:
    return _bad((f"the weight {what}.{name}", tensor) for name, tensor in module.state_dict().items())


def _in_input(batch: StepBatch) -> str:
    if batch.faces is None:
        assert batch.emb_BD is not None
        return _bad([("the cached embeddings of the frozen backbone", batch.emb_BD)])
    return _bad([("the normalised images", batch.faces.images_B3HW)])


def _in_pass(batch: StepBatch, embedder: Embedder, head: MarginHead, contrastive_weight: float) -> str:
    seen: list[str] = []

    def look(name: str) -> object:
        def hook(_module: nn.Module, _inputs: object, output: object) -> None:
            if not seen and isinstance(output, Tensor):
                seen.extend(filter(None, [_bad([(f"the output of backbone.{name}", output)])]))

        return hook

    handles = [
        module.register_forward_hook(look(name))
        for name, module in embedder.backbone.named_modules()
        if name and not any(True for _ in module.children())
    ]
    embedder.backbone.zero_grad(set_to_none=True)
    head.zero_grad(set_to_none=True)
    try:
        passed = forward(batch, embedder, head, contrastive_weight)
        passed.total.backward()  # type: ignore[no-untyped-call]
    finally:
        for handle in handles:
            handle.remove()
    return (
        (seen[0] if seen else "")
        or _bad([("the embeddings", passed.embeddings.emb_BD), ("the logits", passed.view.logits_BC)])
        or _bad([("the loss", passed.total.detach())])
        or _bad(_gradients(head, "head"))
        or _bad(_gradients(embedder.backbone, "backbone"))
        or "the norm of the gradient overflows"
    )


def _gradients(module: nn.Module, what: str) -> Iterable[tuple[str, Tensor]]:
    for name, parameter in module.named_parameters():
        if parameter.grad is not None:
            yield f"the gradient of {what}.{name}", parameter.grad
