"""Predictions beside the truth, image by image."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from edgeft_core.events import SampleSet
from edgeft_core.queries.opened import catalog_of, metrics_of
from edgeft_core.queries.predictions import class_names
from edgeft_core.settings import Home

COLUMNS = [
    "item",
    "label",
    "true",
    "predicted_label",
    "predicted",
    "prob",
    "right",
    "true_rank",
    "top_labels",
    "top_names",
    "top_probs",
    "step",
]


def samples(home: Home, run_id: str, split: SampleSet) -> pd.DataFrame:
    """The kept samples of a split, in the order in which the run looked at them; empty before the first.

    Columns: item (``FaceDataset.item_id``), label and predicted_label (numbers), true and predicted (names), prob (of
    the predicted class), right, true_rank (1 = best; missing where the truth is not among the kept ones), top_labels,
    top_names, top_probs (best first), step.

    Wrong and sure: ``table[~table.right].sort_values("prob", ascending=False)``.
    """
    run = catalog_of(home).run(run_id)
    names = class_names(home, run)
    with metrics_of(home, run.id) as reader:
        taken = reader.samples(split)
    rows = []
    if taken is not None:
        facts = zip(
            taken.items_N,
            taken.labels_N.tolist(),
            taken.top_NK.tolist(),
            taken.probs_NK.tolist(),
            strict=True,
        )
        for item, label, top, probs in facts:
            rows.append(
                {
                    "item": item,
                    "label": label,
                    "true": _name(names, label),
                    "predicted_label": top[0],
                    "predicted": _name(names, top[0]),
                    "prob": probs[0],
                    "right": top[0] == label,
                    "true_rank": top.index(label) + 1 if label in top else None,
                    "top_labels": tuple(top),
                    "top_names": tuple(_name(names, one) for one in top),
                    "top_probs": tuple(probs),
                    "step": taken.step,
                }
            )
    return pd.DataFrame(rows, columns=COLUMNS).astype({"right": bool, "true_rank": "Int64", "prob": float})


def _name(names: Sequence[str], label: int) -> str:
    return names[label] if 0 <= label < len(names) else str(label)
