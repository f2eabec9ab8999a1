"""One trained head, scored under other scales and temperatures: what changes and what cannot."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.case_study.first_look import drained
from benchmarks.case_study.grid import Study
from edgeft_core.config import RunConfig
from edgeft_core.diagnostics.probes.context import ProbeContext
from edgeft_core.engine.examination import embed_split
from edgeft_core.engine.forward import plain_logits

SCORED_UNDER = ((32.0, 1.0), (32.0, 4.0), (8.0, 1.0), (8.0, 4.0), (10.0, 3.5), (64.0, 1.0))
"""(s, T); the first is what the others are compared with."""


@torch.no_grad()
def invariance(study: Study, config: RunConfig) -> list[dict[str, float]]:
    """The last checkpoint's head on validation images, once for each scale and temperature.

    The logits are computed by the head itself under each setting, in float32, and not derived from each other.
    """
    context = ProbeContext.open(config, folder=study.run_folder, cache=study.cache, tell=lambda *_: None)
    session = context.session
    images = drained(embed_split(session, "validation", config.monitor.validation_images))
    labels_N = session.labels_of(images.rows_N)
    session.head.eval()
    rows: list[dict[str, float]] = []
    reference_N5: Tensor | None = None
    for scale, temperature in SCORED_UNDER:
        session.head.scale, session.head.temperature = scale, temperature
        logits_NC = plain_logits(session.head, images.emb_ND)
        top_N5 = logits_NC.topk(5, dim=1).indices
        reference_N5 = top_N5 if reference_N5 is None else reference_N5
        hit_N5 = top_N5 == labels_N[:, None]
        rows.append(
            {
                "scale": scale,
                "temperature": temperature,
                "images": len(labels_N),
                "changed_argmax": int((top_N5[:, 0] != reference_N5[:, 0]).sum()),
                "changed_top5": int((top_N5 != reference_N5).any(dim=1).sum()),
                "top1": float(hit_N5[:, 0].float().mean()),
                "top5": float(hit_N5.any(dim=1).float().mean()),
                "max_class_share": float(torch.bincount(top_N5[:, 0]).max()) / len(labels_N),
                "logit_std": float(logits_NC.std()),
                "largest_probability": float(logits_NC.softmax(dim=1).max(dim=1).values.mean()),
            }
        )
    return rows
