"""The verdict, and which share of the predictions one class takes beside what guessing would give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import streamlit as st

from edgeft_core import queries
from edgeft_core.diagnostics.chance import max_share_chance
from edgeft_core.diagnostics.status import BAD, Status
from edgeft_core.figures import theme
from ui import state
from ui.live.reading import Counts
from ui.messages import calmly, escape

# More than twice what guessing stays below, and than twice the labels' own largest share: worth a look.
_TIMES: Final = 2.0


_COLOURS: Final[dict[Status, str]] = {
    "healthy": "green",
    "learning": "green",
    "watch": "orange",
    "stalled": "red",
    "collapsed": "red",
    "diverged": "red",
}


@dataclass(frozen=True)
class Concentration:
    """How the latest predictions are spread over classes (shares in [0, 1])."""

    predicted: int
    n_classes: int
    images: int
    largest: float
    largest_label: float
    chance: float

    @property
    def conspicuous(self) -> bool:
        return self.largest > _TIMES * max(self.chance, self.largest_label)

    def sentence(self) -> str:
        """Streamlit markdown, short enough for one line."""
        sign = ":orange[\u25b2]" if self.conspicuous else ":green[\u2713]"
        compared = f"guessing: below {theme.format_percent(self.chance)}"
        if self.largest_label > self.chance:
            compared += f"; largest label: {theme.format_percent(self.largest_label)}"
        return (
            f"{sign} **{theme.format_count(self.predicted)} of {theme.format_count(self.n_classes)} classes are "
            f"predicted**; the largest takes **{theme.format_percent(self.largest)}** :gray[({compared})]"
        )


def concentration(counts_C: Counts, labels_C: Counts, images: int) -> Concentration | None:
    """None before the first prediction."""
    if images == 0 or len(counts_C) < 2:
        return None
    return Concentration(
        predicted=int(np.count_nonzero(counts_C)),
        n_classes=len(counts_C),
        images=images,
        largest=float(counts_C.max()) / max(1, int(counts_C.sum())),
        largest_label=float(labels_C.max()) / max(1, int(labels_C.sum())),
        chance=max_share_chance(len(counts_C), images),
    )


def verdict_line(run_id: str, *, every_s: float | None) -> None:
    """The line above the charts; drawn again every ``every_s`` seconds, never if None."""
    with st.container(key="verdict", width="stretch"):
        st.fragment(_draw, run_every=every_s)(run_id)


def _draw(run_id: str) -> None:
    with calmly():
        status = queries.run_status(state.home(), run_id)
        now = queries.histogram_now(state.home(), run_id)
        found = concentration(now.predicted_C, now.labels_C, now.images)
        # Always two lines: nothing below may move when a verdict appears.
        st.markdown(
            (verdict_words(status) or ":gray[no verdict yet]")
            + "  \n"
            + (found.sentence() if found else ":gray[no predictions yet]")
        )


def verdict_words(status: queries.RunStatus) -> str:
    """``"COLLAPSED since step 120, likely input.range (94 %)"`` as Streamlit markdown; nothing before a verdict."""
    verdict = status.verdict
    if verdict is None:
        return ""
    colour = _COLOURS[verdict.status]
    since = f" since step {theme.format_count(verdict.since_step)}" if colour != "green" else ""
    cause = f", likely {escape(status.likely_cause)}" if status.likely_cause and colour != "green" else ""
    sure = (
        f" ({100 * status.cause_confidence:.0f} %)" if cause and status.cause_confidence is not None else ""
    )
    name = verdict.status.upper() if verdict.status in BAD else verdict.status
    return f":{colour}[**{name}**{since}{cause}{sure}]"
