"""Small bar charts outside the live page: images per identity, and the top-5 of one sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeft_core.figures import theme
from edgeft_core.figures.spec import Spec, plain_template
from edgeft_core.figures.text import plain_text
from edgeft_core.figures.theme import Meaning


@dataclass(frozen=True)
class ImagesPerIdentity:
    """How many identities have how many images.

    Attributes:
        images_K: a number of images; ascending.
        identities_K: identities that have so many.
    """

    images_K: npt.NDArray[np.int64]
    identities_K: npt.NDArray[np.int64]


def images_per_identity(counts_C: npt.NDArray[np.integer[Any]]) -> ImagesPerIdentity:
    """Count identities by their number of images."""
    images_K, identities_K = np.unique(np.asarray(counts_C, dtype=np.int64), return_counts=True)
    return ImagesPerIdentity(images_K, identities_K.astype(np.int64))


def draw_images_per_identity(data: ImagesPerIdentity) -> Spec:
    """One bar per number of images; a single thin bar for a balanced set."""
    low, high = (int(data.images_K[0]), int(data.images_K[-1])) if len(data.images_K) else (0, 1)
    bars = {
        "type": "bar",
        "x": data.images_K,
        "y": data.identities_K,
        "marker": {"color": theme.colour(Meaning.TRAINING)},
        "hovertemplate": "%{y} identities have %{x} images<extra></extra>",
    }
    return {
        "data": [bars],
        "layout": {
            "template": plain_template(),
            "hovermode": "closest",
            "margin": {"t": 12},
            "xaxis": {"title": {"text": "images per identity"}, "range": [low - 3, high + 3]},
            "yaxis": {"title": {"text": "identities"}, "rangemode": "tozero"},
        },
    }


@dataclass(frozen=True)
class TopClasses:
    """The most probable classes of one image, best first."""

    names_K: tuple[str, ...]
    percent_K: tuple[float, ...]
    right_K: tuple[bool, ...]


def top_classes(
    classes_K: Sequence[int], names_K: Sequence[str], probs_K: Sequence[float], label: int
) -> TopClasses:
    """Mark the true class."""
    return TopClasses(
        tuple(names_K),
        tuple(100.0 * float(one) for one in probs_K),
        tuple(int(one) == label for one in classes_K),
    )


def draw_top_classes(data: TopClasses) -> Spec:
    """Horizontal bars, the true class with a tick mark and in the colour of the same person."""
    ticks = [
        plain_text(_short(name)) + (" \u2713" if right else "")
        for name, right in zip(data.names_K, data.right_K, strict=True)
    ]
    meanings = [Meaning.SAME_PERSON if right else Meaning.TRAINING for right in data.right_K]
    rows = list(range(len(ticks)))
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": list(data.percent_K),
        "y": rows,
        "text": [theme.format_percent(one / 100) for one in data.percent_K],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": [theme.colour(meaning) for meaning in meanings]},
        "hovertemplate": "%{x:.2f} %<extra></extra>",
    }
    longest = max(data.percent_K, default=1.0)
    return {
        "data": [bars],
        "layout": {
            "template": plain_template(),
            "hovermode": "closest",
            "margin": {"t": 8, "l": 96, "r": 12},
            "xaxis": {"ticksuffix": " %", "range": [0, 1.25 * longest], "title": {"text": "probability"}},
            "yaxis": {"tickvals": rows, "ticktext": ticks, "autorange": "reversed", "showgrid": False},
        },
    }


def _short(name: str, letters: int = 13) -> str:
    return name if len(name) <= letters else name[: letters - 3] + "..."
