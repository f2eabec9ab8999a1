"""The What-if lab alone, over invented embeddings: what ``benchmarks/what_if.py`` opens in a browser.

Sizes come from the environment: IMAGES, CLASSES.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from edgeft_core.config import HeadConfig
from edgeft_core.events import EmbeddingsTaken, FloatArray
from edgeft_core.labs.what_if.sample import LabSample, lab_sample
from ui.what_if.lab import Apply, Said, lab

DIM = 512


def invented(images: int, classes: int) -> EmbeddingsTaken:
    """Embeddings near their class weight, as a head sees them half-way through training."""
    draw = np.random.default_rng(0)
    labels_N = draw.integers(0, classes, images)
    w_CD = _unit(draw.normal(size=(classes, DIM)))
    z_ND = _unit(w_CD[labels_N] + 2 * draw.normal(size=(images, DIM)) / DIM**0.5)
    return EmbeddingsTaken("validation", 1, images, labels_N, z_ND, w_CD, z_ND.mean(axis=0))


def _unit(rows: npt.NDArray[np.floating[Any]]) -> FloatArray:
    unit: FloatArray = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def sample_of(images: int, classes: int) -> LabSample:
    """What the lab gets."""
    return lab_sample(invented(images, classes))


if __name__ == "__main__":
    st.set_page_config(layout="wide")
    sample = sample_of(int(os.environ.get("IMAGES", "1000")), int(os.environ.get("CLASSES", "518")))
    names = [f"person {number}" for number in range(sample.n_classes)]
    lab(sample, names, HeadConfig(), apply=Apply(shown=False, can=False), said=Said())
