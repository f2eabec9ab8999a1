"""Predictions beside the truth as text."""

from __future__ import annotations

import json

import numpy as np

from edgeft_core.events import SamplesTaken


def pack_samples(event: SamplesTaken) -> str:
    """Everything but split and step, which have columns of their own."""
    body = {
        "items": list(event.items_N),
        "labels": event.labels_N.tolist(),
        "top": event.top_NK.tolist(),
        "probs": event.probs_NK.tolist(),
    }
    return json.dumps(body, separators=(",", ":"))


def unpack_samples(split: str, step: int, text: str) -> SamplesTaken:
    """Inverse of ``pack_samples``."""
    body = json.loads(text)
    n = len(body["items"])
    return SamplesTaken(
        split=split,  # type: ignore[arg-type]
        step=step,
        items_N=tuple(body["items"]),
        labels_N=np.array(body["labels"], np.int64),
        top_NK=np.array(body["top"], np.int64).reshape(n, -1),
        probs_NK=np.array(body["probs"], np.float32).reshape(n, -1),
    )
