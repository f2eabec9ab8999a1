"""Parallel coordinates: every head of a sweep as one line through its settings to what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edgeft_core.figures import theme
from edgeft_core.figures.spec import Annotation, Spec, plain_template
from edgeft_core.figures.text import plain_text
from edgeft_core.figures.theme import Meaning

Floats = npt.NDArray[np.float64]

_SHADES: Final = 4
_SPREAD: Final = 0.012  # lines through one value lie beside each other


@dataclass(frozen=True)
class Post:
    """One upright of the picture.

    Attributes:
        at_K: where each head crosses it, 0 at the foot to 1 at the top.
        ticks: ``(position, words)``.
    """

    title: str
    at_K: Floats
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Parallel:
    """Heads through posts.

    Attributes:
        shade_K: 0 to 1, how much a line stands out.
        best: heads that are drawn on top.
    """

    posts: tuple[Post, ...]
    shade_K: Floats
    about_K: Sequence[str]
    best: Sequence[int] = ()


def draw_parallel(data: Parallel) -> Spec:
    """Lines by shade, the best on top in a colour of their own."""
    n = len(data.shade_K)
    shade_K = np.clip((np.nan_to_num(data.shade_K) * _SHADES).astype(int), 0, _SHADES - 1)
    best = set(data.best)
    scale = theme.sequential()
    groups = [
        ([head for head in range(n) if shade_K[head] == shade and head not in best], scale[shade + 1][1], 1.0)
        for shade in range(_SHADES)
    ]
    groups.append((list(data.best), theme.colour(Meaning.VALIDATION), 2.4))
    return {
        "data": [_lines(data, heads, colour, width) for heads, colour, width in groups if heads],
        "layout": {
            "template": plain_template(),
            "hovermode": "closest",
            "showlegend": False,
            "margin": {"t": 26, "r": 58, "b": 12, "l": 58},
            "xaxis": {
                "range": [-0.08, len(data.posts) - 0.92],
                "showgrid": False,
                "showticklabels": False,
                "fixedrange": True,
            },
            "yaxis": {"range": [-0.06, 1.06], "showgrid": False, "showticklabels": False, "fixedrange": True},
            "shapes": [_post_line(number) for number in range(len(data.posts))],
            "annotations": [
                label for number, post in enumerate(data.posts) for label in _labels(number, post)
            ],
        },
    }


def _lines(data: Parallel, heads: Sequence[int], colour: str, width: float) -> dict[str, Any]:
    """Several heads as one trace; a gap (None) ends each line."""
    x: list[float | None] = []
    y: list[float | None] = []
    about: list[str | None] = []
    for head in heads:
        shift = _SPREAD * (((head * 7) % 11) / 5 - 1)
        for number, post in enumerate(data.posts):
            at = float(post.at_K[head])
            x.append(float(number))
            y.append(at + shift if np.isfinite(at) else None)
            about.append(data.about_K[head])
        x.append(None)
        y.append(None)
        about.append(None)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "customdata": about,
        "line": {"color": colour, "width": width},
        "opacity": 0.9,
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _post_line(number: int) -> dict[str, Any]:
    line = {"color": theme.colour(Meaning.CHANCE), "width": 1}
    return {"type": "line", "x0": number, "x1": number, "y0": 0, "y1": 1, "line": line, "layer": "below"}


def _labels(number: int, post: Post) -> list[Annotation]:
    title = {
        "x": number,
        "y": 1.0,
        "yref": "paper",
        "yanchor": "bottom",
        "text": f"<b>{plain_text(post.title)}</b>",
        "font": {"size": 11, "color": theme.colour(Meaning.TEXT)},
        "showarrow": False,
    }
    ticks = [
        {
            "x": number,
            "y": at,
            "xanchor": "right",
            "xshift": -5,
            "text": plain_text(words),
            "bgcolor": theme.colour(Meaning.BACKGROUND),
            "opacity": 0.85,
            "font": {"size": 10, "color": theme.colour(Meaning.MUTED)},
            "showarrow": False,
        }
        for at, words in post.ticks
    ]
    return [title, *ticks]
