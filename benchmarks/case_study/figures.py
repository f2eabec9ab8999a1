"""The case study's figures, drawn from a kept measurement."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.case_study.drawing import Drawing, LogAxis
from benchmarks.case_study.grid import CENTRING, KINDS, KNOB_KINDS, SETTINGS
from benchmarks.case_study.pull_only import SECOND_STAGES
from benchmarks.case_study.result import Cells, Over, Result, centred
from benchmarks.case_study.tables import SETTING_TITLES, alike, knob, knob_names
from edgeft_core.diagnostics.chance import max_share_chance, top_k_chance
from edgeft_core.figures.theme import format_percent

TILE = 44
ROW = 27
LEFT = 296
PANEL = 280
GAP = 40
LEAST_SHARE = 0.003
TICKS = (0.01, 0.1, 1.0)
MARKS = {
    "before": ("circle", "series1"),
    "fix": ("square", "series3"),
    "recommended": ("triangle", "series0"),
    "changed": ("triangle", "series2"),
}
LEGEND = {**SETTING_TITLES, "changed": "changed in part"}


def first_ten(result: Result) -> str:
    """The class that a random head gives to each of the first ten faces, per kind of embeddings."""
    seed = result.seeds[0]
    kinds = result.kinds
    drawing = Drawing(
        LEFT + 10 * TILE + 200,
        64 + 38 * len(kinds),
        "Predicted class of the first ten faces before any training, for each kind of embeddings",
    )
    drawing.text(16, 24, "The first ten faces of the first batch, before any training", "strong text")
    drawing.text(LEFT + 10 * TILE + 16, 44, "largest class of all new images", "small muted")
    drawing.text(LEFT, 44, "predicted class (filled: the most frequent of the ten)", "small muted")
    for place, kind in enumerate(kinds):
        y = 58 + 38 * place
        predicted = result.cells("grid", kind, "before", "plain").of_seed[seed]["first_predicted"]
        look = result.cells("first_look", kind).of_seed[seed]
        _words(drawing, y + 18, KINDS[kind].title)
        _tiles(drawing, y, predicted)
        share = f"{format_percent(look['max_class_share'])}, {look['unique_classes']:.0f} classes"
        drawing.text(LEFT + 10 * TILE + 16, y + 18, share)
    return drawing.svg()


def _tiles(drawing: Drawing, y: float, predicted: Sequence[int]) -> None:
    most = max(predicted, key=predicted.count) if alike(predicted) > 1 else None
    for place, label in enumerate(predicted):
        x = LEFT + TILE * place
        same = label == most
        drawing.rect(x, y, TILE - 4, 28, "fill training" if same else "thin grid")
        drawing.text(
            x + (TILE - 4) / 2, y + 18, str(label), "small background" if same else "small text", "middle"
        )


def grid(result: Result) -> str:
    """Largest class and Top-5 of new images: all settings of all kinds of drawn people."""
    rows = [
        (kind, centre, {name: result.cells("grid", kind, name, centred(centre)) for name in SETTINGS})
        for kind in result.kinds
        if not KINDS[kind].photographs
        for centre in CENTRING
    ]
    names = [f"{KINDS[kind].title}, centred" if centre else KINDS[kind].title for kind, centre, _ in rows]
    return _two_panels(result, "After five epochs of the head", names, [cells for _, _, cells in rows])


def knobs(result: Result) -> str:
    """The reported change taken apart."""
    names: list[str] = []
    rows: list[Mapping[str, Cells]] = []
    for kind in KNOB_KINDS:
        for name in knob_names(result):
            cells = knob(result, kind, name)
            if cells.of_seed:
                names.append(f"{KINDS[kind].title}: {name.removesuffix(': the reported fix')}")
                rows.append({_mark_of(name): cells})
    return _two_panels(result, "What is changed of the settings before", names, rows)


def _mark_of(name: str) -> str:
    return "before" if name == "nothing" else "fix" if name.startswith("all four") else "changed"


def _two_panels(result: Result, title: str, names: Sequence[str], rows: Sequence[Mapping[str, Cells]]) -> str:
    classes, images = int(result.content["identities"]), 2 * int(result.content["identities"])
    height = 96 + ROW * len(rows)
    drawing = Drawing(LEFT + 2 * PANEL + GAP + 24, height, f"{title}: largest class, and Top-5 of new images")
    drawing.text(16, 24, title, "strong text")
    shown = {name for row in rows for name in row}
    _legend(drawing, [name for name in MARKS if name in shown])
    panels: tuple[tuple[str, str, float, str], ...] = (
        (
            "largest class of new images",
            "val_max_class_share",
            max_share_chance(classes, images),
            "guessing, at most",
        ),
        ("Top-5 of new images", "val_top5", top_k_chance(5, classes), "guessing"),
    )
    for place, (words, signal, chance, chance_words) in enumerate(panels):
        start = LEFT + place * (PANEL + GAP)
        axis = LogAxis(LEAST_SHARE, 1.0, start, start + PANEL)
        _panel(drawing, axis, words, height, start)
        drawing.line(axis.at(chance), 66, axis.at(chance), height - 24, "stroke dash chance")
        drawing.text(axis.at(chance) + 4, 62, f"{chance_words} {format_percent(chance)}", "small chance")
        for row, cells in enumerate(rows):
            _row(drawing, axis, 80 + ROW * row, {name: one.over(signal) for name, one in cells.items()})
    for row, name in enumerate(names):
        _words(drawing, 84 + ROW * row, name)
    return drawing.svg()


def _panel(drawing: Drawing, axis: LogAxis, words: str, height: int, start: float) -> None:
    drawing.text(start, 44, words, "text")
    for tick in TICKS:
        drawing.line(axis.at(tick), 66, axis.at(tick), height - 24, "thin grid")
        drawing.text(axis.at(tick), height - 8, format_percent(tick), "small muted", "middle")


def _row(drawing: Drawing, axis: LogAxis, y: float, found: Mapping[str, Over]) -> None:
    """Each setting's mean as a mark, its seeds' range as a line."""
    for place, (name, over) in enumerate(found.items()):
        shape, look = MARKS[name]
        height = y + 6.5 * (place - (len(found) - 1) / 2)  # beside each other where values agree
        drawing.line(axis.at(over.least), height, axis.at(over.most), height, f"stroke {look}")
        drawing.mark(shape, axis.at(over.mean), height, f"fill {look}")


def _legend(drawing: Drawing, names: Sequence[str]) -> None:
    x = LEFT + PANEL - 20.0
    for name in names:
        shape, look = MARKS[name]
        drawing.mark(shape, x, 20, f"fill {look}")
        drawing.text(x + 10, 24, LEGEND[name], "small text")
        x += 110


def second_stages(result: Result) -> str:
    """Cosines of every batch of the second stages."""
    found = {name: one for name, one in result.content["pull_only"].items() if name in SECOND_STAGES}
    columns, width, height = 2, 400, 190
    lines = -(-len(found) // columns)
    drawing = Drawing(columns * width + 24, 56 + lines * height, "Cosines during second stages")
    drawing.text(16, 24, "Cosines, batch by batch, in the second stage", "strong text")
    for x, look, words in (
        (420.0, "same_image", "same image"),
        (540.0, "different_people", "different people"),
    ):
        drawing.line(x, 20, x + 20, 20, f"stroke {look}")
        drawing.text(x + 26, 24, words, "small text")
    for place, (name, one) in enumerate(found.items()):
        _curves(
            drawing, 16 + width * (place % columns), 44 + height * (place // columns), name, one["batches"]
        )
    return drawing.svg()


def _curves(drawing: Drawing, left: float, top: float, name: str, batches: Mapping[str, Any]) -> None:
    start, end, upper, lower = left + 32, left + 372, top + 24, top + 150
    steps = batches["step"]

    def place(step: float, value: float) -> tuple[float, float]:
        return start + (step - 1) / max(1, len(steps) - 1) * (end - start), lower - max(0.0, value) * (
            lower - upper
        )

    drawing.text(left, top + 12, name, "text")
    for value in (0.0, 0.5, 1.0):
        drawing.line(start, place(1, value)[1], end, place(1, value)[1], "thin grid")
        drawing.text(start - 6, place(1, value)[1] + 4, f"{value:g}", "small muted", "end")
    for signal, look in (("cos_same_image", "same_image"), ("cos_different", "different_people")):
        drawing.path(
            [place(step, value) for step, value in zip(steps, batches[signal], strict=True)], f"stroke {look}"
        )
    drawing.text(end, lower + 16, f"step {int(steps[-1])}", "small muted", "end")


def _words(drawing: Drawing, y: float, words: str) -> None:
    drawing.text(LEFT - 12, y, words, "text", "end")


FIGURES: dict[str, tuple[str, Callable[[Result], str]]] = {
    "case-study-first-look.svg": ("first_look", first_ten),
    "case-study-grid.svg": ("grid", grid),
    "case-study-knobs.svg": ("knobs", knobs),
    "case-study-second-stage.svg": ("pull_only", second_stages),
}
"""File in ``docs/images`` -> the part of the measurement that it shows, and what draws it."""


def drawn(result: Result) -> dict[str, str]:
    """SVG by file name, of the parts that were measured."""
    return {name: draw(result) for name, (part, draw) in FIGURES.items() if result.content.get(part)}
