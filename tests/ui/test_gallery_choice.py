from __future__ import annotations

import pandas as pd
import pytest

from ui.runs.table import presented
from ui.samples.choice import filtered

SAMPLES = pd.DataFrame(
    {
        "item": ["a/1", "b/1", "c/1", "d/1"],
        "true": ["a", "b", "c", "d"],
        "right": [True, False, False, True],
        "prob": [0.9, 0.3, 0.8, 0.2],
    }
)


@pytest.mark.parametrize(
    ("which", "items"),
    [
        ("all", ["a/1", "b/1", "c/1", "d/1"]),
        ("wrong", ["b/1", "c/1"]),
        ("surest wrong", ["c/1", "b/1"]),
        ("right", ["a/1", "d/1"]),
    ],
)
def test_samples_are_filtered_by_right_and_wrong(which: str, items: list[str]) -> None:
    assert list(filtered(SAMPLES, which, ())["item"]) == items  # type: ignore[arg-type]


def test_samples_are_filtered_by_class() -> None:
    assert list(filtered(SAMPLES, "wrong", ("b",))["item"]) == ["b/1"]


def test_runs_without_results_have_empty_cells() -> None:
    row = {
        "id": "a", "name": "a", "state": "queued", "preset": "smoke", "data": "/faces/mine", "backbone": "edgeface_xxs",
        "weights": "demo", "normalisation": "none", "head": "arcface", "scale": 16.0, "margin_rad": 0.1,
        "temperature": 1.0, "head_lr": 1e-3, "backbone_lr": None, "n_classes": None, "step": None, "progress": None,
        "best_top1": None, "best_top5": None, "max_class_share": None, "verdict": None, "verdict_since": None,
        "created_at": None, "started_at": None,
        "duration_s": None, "parent_id": None, "error": "", "sweep": None, "origin": None,
        "depth": 0,
    }  # fmt: skip
    numbers = ["progress", "best_top1", "best_top5", "max_class_share", "duration_s"]
    table = presented(pd.DataFrame([row]).astype(dict.fromkeys(numbers, float)))
    assert table["data"].iloc[0] == "mine, pixels none"
    assert table["head"].iloc[0] == "arcface s 16, m 0.1, T 1, lr 1e-3"
    assert pd.isna(table["top1"].iloc[0])
    assert table["duration"].iloc[0] == "n/a"
