"""Can one batch be learned by heart? If not, something between embedding, label and update is broken."""

from __future__ import annotations

import math

import torch

from edgeft_core.config import HeadConfig
from edgeft_core.diagnostics.case import ProbeResult
from edgeft_core.diagnostics.probes.context import ProbeContext, Tell
from edgeft_core.diagnostics.probes.head_replays import Replay, Variant
from edgeft_core.engine.forward import plain_logits
from edgeft_core.errors import DataError

BATCH = 32
STEPS = 150
CHECK_EVERY = 10
LR = 1e-2
SCALE = 16.0


def probe(context: ProbeContext, tell: Tell) -> ProbeResult:
    """Teach a fresh head 32 images of 32 identities, as they are and centred, under settings that can learn."""
    learned = context.learned
    people = torch.unique(learned.labels_N)
    if len(people) < 2:
        raise DataError("Fewer than two identities have training images.")
    first = torch.stack([torch.nonzero(learned.labels_N == person)[0, 0] for person in people[:BATCH]])
    values: dict[str, float] = {"images": float(len(first))}
    for number, (name, centre) in enumerate((("", False), ("_centred", True))):
        tell("Learning one batch by heart", number, 2)
        head = HeadConfig(kind="arcface", scale=SCALE, margin_rad=0.0, centre=centre)
        replay = Replay(context, Variant(head, LR))
        share, steps = _taught(replay, learned.emb_ND[first], learned.labels_N[first])
        values |= {f"memorised{name}": share, f"steps{name}": float(steps)}
    text = (
        f"A fresh head learned {values['memorised']:.0%} of one batch of {len(first)} images by heart in "
        f"{values['steps']:.0f} steps, {values['memorised_centred']:.0%} with the embeddings centred."
    )
    return ProbeResult("memorise", values, text)


def _taught(replay: Replay, emb_BD: torch.Tensor, labels_B: torch.Tensor) -> tuple[float, int]:
    """Share of the batch that is right, and the steps it took."""
    share = math.nan
    for step in range(1, STEPS + 1):
        replay.step(emb_BD, labels_B)
        if step % CHECK_EVERY == 0:
            with torch.no_grad():
                predicted_B = plain_logits(replay.head, emb_BD).argmax(dim=1)
            share = float((predicted_B == labels_B).float().mean())
            if share == 1.0:
                return share, step
    return share, STEPS
