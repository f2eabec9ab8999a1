"""Every colour, font and number format that a figure uses: one meaning, one look, in both themes.

The colours of the six kinds of lines (training, validation, chance, same image, same person, different
people) stay apart for protan, deutan and tritan eyes (Machado, Oliveira & Fernandes 2009) and keep 3 : 1
against both page backgrounds; the three verdict colours keep 4.5 : 1, because they also colour text.
The dark theme is a recolouring of the light one: `palette_pairs()` lets the browser switch a figure
between them without asking the server.
"""

import math
from enum import StrEnum
from functools import cache
from typing import Any, Final

import plotly.graph_objects as go


class Meaning(StrEnum):
    """What a colour stands for, wherever it appears."""

    TRAINING = "training"
    VALIDATION = "validation"
    CHANCE = "chance"  # any reference: chance, bound, landmark; always dashed, always labelled
    SAME_IMAGE = "same_image"
    SAME_PERSON = "same_person"
    DIFFERENT_PEOPLE = "different_people"
    BAD = "bad"  # BAD, WATCH and OK are for verdicts only
    WATCH = "watch"
    OK = "ok"
    CHANGE = "change"  # what the user did: markers of settings, forks, checkpoints; also links
    ACTION = "action"  # what the user can do: buttons (with white text), sliders, focus
    TEXT = "text"
    MUTED = "muted"
    GRID = "grid"
    SURFACE = "surface"
    BACKGROUND = "background"


# meaning -> (on the light page, on the dark page)
_COLOURS: Final[dict[Meaning, tuple[str, str]]] = {
    Meaning.TRAINING: ("#003f8a", "#8cc4f5"),
    Meaning.VALIDATION: ("#c96a18", "#e8622f"),
    Meaning.CHANCE: ("#6b737d", "#89929d"),
    Meaning.SAME_IMAGE: ("#66520a", "#efdf46"),
    Meaning.SAME_PERSON: ("#04845e", "#2fe39a"),
    Meaning.DIFFERENT_PEOPLE: ("#bf2cb8", "#dd66f0"),
    Meaning.BAD: ("#a3001e", "#ff6b74"),
    Meaning.WATCH: ("#946800", "#e3b341"),
    Meaning.OK: ("#00695c", "#6fe0c0"),
    Meaning.CHANGE: ("#4a4fc4", "#a5a8ff"),
    Meaning.ACTION: ("#4549bd", "#6266e0"),
    Meaning.TEXT: ("#1c2330", "#e6e9ef"),
    Meaning.MUTED: ("#59626f", "#a2abb8"),
    Meaning.GRID: ("#e3e6ea", "#2a323d"),
    Meaning.SURFACE: ("#f4f5f7", "#191f27"),
    Meaning.BACKGROUND: ("#ffffff", "#0f1318"),
}

# Lines without a meaning of their own (layers, parameter groups), told apart by name first, colour second.
_SERIES: Final[tuple[tuple[str, str], ...]] = (
    ("#2b6cb0", "#6fb3f2"),
    ("#7a4b00", "#e0a458"),
    ("#5d4a9c", "#b9a5f5"),
    ("#0e7c86", "#4fd0d8"),
    ("#8c2f4b", "#f08fae"),
    ("#4d5b21", "#b5c96a"),
)

# Shares and counts: nothing fades into the page, much stands out from it.
_SEQUENTIAL: Final[tuple[tuple[str, str], ...]] = (
    ("#f4f5f7", "#191f27"),
    ("#c8dcf0", "#1d3a5a"),
    ("#7eafdd", "#2c69a3"),
    ("#2e75bb", "#6aaee8"),
    ("#00356f", "#eaf4ff"),
)

# Signed quantities (cosines): the middle is zero.
_DIVERGING: Final[tuple[tuple[str, str], ...]] = (
    ("#8f3a00", "#ffb07a"),
    ("#d99a66", "#96562b"),
    ("#f4f5f7", "#191f27"),
    ("#6fa3d6", "#2f5f8f"),
    ("#00377a", "#9fd0ff"),
)

FONT_FAMILY: Final = '"Source Sans", "Segoe UI", system-ui, -apple-system, sans-serif'
FONT_SIZE_PX: Final = 12
LINE_WIDTH_PX: Final = 1.6
NOT_KNOWN: Final = "n/a"

_TRANSPARENT: Final = "rgba(0, 0, 0, 0)"


def colour(meaning: Meaning, dark: bool = False) -> str:
    """The colour of `meaning` as `#rrggbb`."""
    return _COLOURS[meaning][dark]


def series_colour(index: int, dark: bool = False) -> str:
    """A colour for the line number `index` of several that have no meaning of their own; repeats after six."""
    return _SERIES[index % len(_SERIES)][dark]


def translucent(hex_colour: str, alpha: float) -> str:
    """`hex_colour` with opacity `alpha` in [0, 1], for bands and fills."""
    red, green, blue = (int(hex_colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {alpha:g})"


def line(meaning: Meaning, dark: bool = False, width: float = LINE_WIDTH_PX) -> dict[str, Any]:
    """Plotly's `line` of a trace or shape with this meaning: references are dashed, all else is solid."""
    style: dict[str, Any] = {"color": colour(meaning, dark), "width": width}
    if meaning is Meaning.CHANCE:
        style["dash"] = "dash"
    return style


def sequential(dark: bool = False) -> list[tuple[float, str]]:
    """Colour scale for quantities from none to much."""
    return _scale(_SEQUENTIAL, dark)


def diverging(dark: bool = False) -> list[tuple[float, str]]:
    """Colour scale for signed quantities; give the trace `zmid=0`."""
    return _scale(_DIVERGING, dark)


def palette_pairs() -> list[tuple[str, str]]:
    """All (light, dark) pairs. A light colour has one dark one and the other way round."""
    return list(dict.fromkeys((*_COLOURS.values(), *_SERIES, *_SEQUENTIAL, *_DIVERGING)))


@cache
def template(dark: bool = False) -> Any:
    """The `go.layout.Template` of every figure: transparent, calm, with fixed margins so that nothing jumps.

    Figures copy it; one is built per theme.
    """
    text = {"family": FONT_FAMILY, "size": FONT_SIZE_PX, "color": colour(Meaning.TEXT, dark)}
    muted = {**text, "color": colour(Meaning.MUTED, dark)}
    return go.layout.Template(
        layout={
            "font": text,
            "title": {
                "font": {**text, "size": FONT_SIZE_PX + 2},
                "x": 0,
                "xanchor": "left",
                "xref": "paper",
                "y": 1,
                "yanchor": "top",
                "yref": "container",
                "pad": {"t": 4},
            },
            "paper_bgcolor": _TRANSPARENT,
            "plot_bgcolor": _TRANSPARENT,
            "margin": {"l": 52, "r": 12, "t": 28, "b": 36, "pad": 0},
            "colorway": [pair[dark] for pair in _SERIES],
            "colorscale": {"sequential": sequential(dark), "diverging": diverging(dark)},
            # live_chart draws the hover line, in all charts of a group
            "xaxis": {**_axis(muted, dark), "showspikes": False},
            "yaxis": _axis(muted, dark),
            "hovermode": "x unified",
            "hoverlabel": {
                "bgcolor": colour(Meaning.SURFACE, dark),
                "bordercolor": colour(Meaning.GRID, dark),
                "font": text,
                "align": "left",
                "namelength": -1,
            },
            "legend": {
                "orientation": "h",
                "x": 1,
                "xanchor": "right",
                "y": 1,
                "yanchor": "top",
                "yref": "container",
                "font": muted,
                "bgcolor": _TRANSPARENT,
            },
            "annotationdefaults": {"font": muted, "showarrow": False},
            "shapedefaults": {"line": {"color": colour(Meaning.CHANCE, dark), "width": 1}},
            "modebar": {
                "bgcolor": _TRANSPARENT,
                "color": colour(Meaning.MUTED, dark),
                "activecolor": colour(Meaning.CHANGE, dark),
            },
        },
        data={"heatmap": [{"colorscale": sequential(dark), "colorbar": _colour_bar(muted)}]},
    )


def format_percent(share: float | None) -> str:
    """`0.01234` -> `"1.2 %"`: one digit, three significant at most; tiny shares keep one significant digit."""
    if share is None or not math.isfinite(share):
        return NOT_KNOWN
    percent = 100 * share
    if percent == 0:
        return "0 %"
    if abs(percent) >= 99.95:
        return f"{percent:.0f} %"
    if abs(percent) >= 0.05:
        return f"{percent:.1f} %"
    return f"{_plain(percent, 1)} %"


def format_rate(rate: float | None) -> str:
    """Learning rates: `1e-4` -> `"1e-4"`, `0.00025` -> `"2.5e-4"`."""
    if rate is None or not math.isfinite(rate):
        return NOT_KNOWN
    if rate == 0:
        return "0"
    mantissa, exponent = f"{rate:.2e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}" if int(exponent) else mantissa


def format_number(value: float | None) -> str:
    """At most three significant digits; very large and very small numbers in powers of ten."""
    if value is None or math.isnan(value):
        return NOT_KNOWN
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value == 0:
        return "0"
    if not 1e-3 <= abs(float(f"{value:.2e}")) < 1e5:
        return format_rate(value)
    return _plain(value, 3)


def format_count(count: int | None) -> str:
    """Exact whole numbers in groups of three: `12345` -> `"12 345"`."""
    return NOT_KNOWN if count is None else f"{count:,}".replace(",", " ")


def format_duration(seconds: float | None) -> str:
    """`0.4 s`, `42 s`, `1:20` (minutes), `2:05:00` (hours), `3 d 4 h`."""
    if seconds is None or not math.isfinite(seconds):
        return NOT_KNOWN
    if seconds < 0:
        return f"-{format_duration(-seconds)}"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} d {hours % 24} h"
    if hours:
        return f"{hours}:{minutes:02d}:{rest:02d}"
    return f"{minutes}:{rest:02d}" if minutes else f"{rest} s"


def _axis(tick_font: dict[str, Any], dark: bool) -> dict[str, Any]:
    return {
        "gridcolor": colour(Meaning.GRID, dark),
        "linecolor": colour(Meaning.GRID, dark),
        "zeroline": False,
        "ticks": "",
        "automargin": False,
        "tickfont": tick_font,
        "title": {"font": tick_font, "standoff": 6},
        "exponentformat": "power",
        "nticks": 6,
    }


def _colour_bar(tick_font: dict[str, Any]) -> dict[str, Any]:
    return {"outlinewidth": 0, "thickness": 8, "tickfont": tick_font, "nticks": 5, "xpad": 4, "ypad": 0}


def _scale(pairs: tuple[tuple[str, str], ...], dark: bool) -> list[tuple[float, str]]:
    return [(position / (len(pairs) - 1), pair[dark]) for position, pair in enumerate(pairs)]


def _plain(value: float, digits: int) -> str:
    """`value` with `digits` significant digits, never in powers of ten, without trailing zeros."""
    rounded = float(f"{value:.{digits - 1}e}")
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
    text = f"{rounded:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
