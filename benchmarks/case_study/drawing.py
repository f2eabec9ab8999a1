"""Plain SVG in the app's colours. One file serves light and dark pages: the reader's theme decides when it is shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from edgeft_core.figures.theme import FONT_FAMILY, Meaning, colour, series_colour

SERIES = 4


class Drawing:
    """Shapes on a page of fixed size, in pixels; classes of the style sheet give them their colours.

    Args:
        title: read out to people who do not see the picture.
    """

    def __init__(self, width: int, height: int, title: str) -> None:
        self._width, self._height = width, height
        self._title = title
        self._shapes: list[str] = []

    def rect(self, x: float, y: float, width: float, height: float, look: str) -> None:
        """``look``: class names such as "fill training"."""
        self._shapes.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2" class="{look}"/>'
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, look: str) -> None:
        self._shapes.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{look}"/>')

    def path(self, points: Sequence[tuple[float, float]], look: str) -> None:
        """An open line through points."""
        steps = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._shapes.append(f'<polyline points="{steps}" class="{look}"/>')

    def text(self, x: float, y: float, words: str, look: str = "text", anchor: str = "start") -> None:
        """``y`` is the base line."""
        self._shapes.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{look}">{escape(words)}</text>'
        )

    def mark(self, shape: str, x: float, y: float, look: str) -> None:
        """A "circle", "square" or "triangle" around a point: shapes tell series apart where colours do not."""
        if shape == "circle":
            self._shapes.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.8" class="{look}"/>')
        elif shape == "square":
            self.rect(x - 3.4, y - 3.4, 6.8, 6.8, look)
        else:
            corners = f"{x:.1f},{y - 4.4:.1f} {x + 4.4:.1f},{y + 3.4:.1f} {x - 4.4:.1f},{y + 3.4:.1f}"
            self._shapes.append(f'<polygon points="{corners}" class="{look}"/>')

    def svg(self) -> str:
        """The whole file."""
        size = f'width="{self._width}" height="{self._height}" viewBox="0 0 {self._width} {self._height}"'
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
                f"<title>{escape(self._title)}</title>",
                f"<style>{_style()}</style>",
                f'<rect width="{self._width}" height="{self._height}" class="fill background"/>',
                *self._shapes,
                "</svg>\n",
            ]
        )


class LogAxis:
    """Positions of shares on a logarithmic scale between two shares; what lies outside is put at the end."""

    def __init__(self, least: float, most: float, start_px: float, end_px: float) -> None:
        self._least, self._most = least, most
        self._start_px, self._end_px = start_px, end_px

    def at(self, share: float) -> float:
        inside = min(self._most, max(self._least, share))
        part = math.log(inside / self._least) / math.log(self._most / self._least)
        return self._start_px + part * (self._end_px - self._start_px)


def _style() -> str:
    rules = [
        f"text{{font:12px {FONT_FAMILY.replace(chr(34), chr(39))}}}",
        ".small{font-size:11px}.strong{font-weight:600}",
        ".stroke{fill:none;stroke-width:1.6}.thin{fill:none;stroke-width:1}.dash{stroke-dasharray:5 4}",
        *_colours(dark=False),
        f"@media (prefers-color-scheme:dark){{{''.join(_colours(dark=True))}}}",
    ]
    return "".join(rules)


def _colours(dark: bool) -> list[str]:
    named = {meaning.value: colour(meaning, dark) for meaning in Meaning}
    named |= {f"series{index}": series_colour(index, dark) for index in range(SERIES)}
    rules = [f".fill.{name},text.{name}{{fill:{value}}}" for name, value in named.items()]
    rules += [f".stroke.{name},.thin.{name}{{stroke:{value}}}" for name, value in named.items()]
    return rules
