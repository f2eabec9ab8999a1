"""The document's tables, kept in step with the measurement: what stands between two marks is made, never typed."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.case_study import sentences, tables
from benchmarks.case_study.figures import drawn
from benchmarks.case_study.grid import KINDS, KNOB_KINDS
from benchmarks.case_study.measuring import HEAD_LOOKED_AT
from benchmarks.case_study.result import Result
from edgeft_core.settings import REPOSITORY

RESULTS = REPOSITORY / "benchmarks" / "results"
DOCUMENT = REPOSITORY / "docs" / "case-study.md"
IMAGES = REPOSITORY / "docs" / "images"

MADE = re.compile(r"<!-- made: (?P<name>[a-z_ ]+) -->\n(?P<text>.*?)<!-- end -->", re.DOTALL)

BLOCKS: dict[str, Callable[[Result], str]] = {
    "measured": sentences.measured,
    "short": sentences.short,
    "first look": tables.first_look,
    "same before training": sentences.same_before_training,
    "report": sentences.report,
    "guessing": sentences.guessing,
    "below chance": sentences.below_chance,
    "wandering": sentences.wandering,
    "over epochs": sentences.collapse_over_epochs,
    **{f"grid {kind}": partial(tables.grid, kind=kind) for kind in KINDS},
    **{f"knobs {kind}": partial(tables.knobs, kind=kind) for kind in KNOB_KINDS},
    **{f"invariance {kind}": partial(tables.invariance, kind=kind) for kind in HEAD_LOOKED_AT},
    "second stages": tables.second_stages,
}
"""Name between the marks -> what makes the text."""


def newest() -> Path:
    """The measurement that the document shows."""
    return max(RESULTS.glob("*-case-study.json"))


def write(kept: Path) -> None:
    """Tables into the document, figures beside it."""
    result = Result.read(kept)
    DOCUMENT.write_text(filled(DOCUMENT.read_text(encoding="utf-8"), result), encoding="utf-8")
    for name, svg in drawn(result).items():
        (IMAGES / name).write_text(svg, encoding="utf-8")


def filled(document: str, result: Result) -> str:
    """The document with every made block written anew.

    Raises:
        KeyError: a mark names no block.
    """
    return MADE.sub(lambda found: _block(found["name"], result), document)


def typed(document: str) -> str:
    """What people wrote: the document without its made blocks."""
    return MADE.sub("", document)


def _block(name: str, result: Result) -> str:
    return f"<!-- made: {name} -->\n{BLOCKS[name](result)}\n<!-- end -->"
