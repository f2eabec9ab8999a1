"""The verdict, and which share of the predictions one class takes beside what guessing would give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import streamlit as st

from edgeft_core import queries
from edgeft_core.diagnostics.causes.names import CAUSE_NAMES
from edgeft_core.diagnostics.chance import max_share_chance
from edgeft_core.diagnostics.status import BAD
from edgeft_core.figures import theme
from edgeft_core.jobs.proving import start_proof
from edgeft_core.settings import Home
from ui import state, verdicts
from ui.fragments import fragment
from ui.live.autopilot import at_work
from ui.live.reading import Counts
from ui.messages import calmly, escape, prose
from ui.navigation import DIAGNOSIS, go
from ui.now import at_this_moment

# More than twice what guessing stays below, and than twice the labels' own largest share: worth a look.
_TIMES: Final = 2.0
# A batch this many times ahead of the window is told beside it.
_AHEAD: Final = 1.25


@dataclass(frozen=True)
class Concentration:
    """How the latest predictions are spread over classes (shares in [0, 1]).

    Attributes:
        largest, chance: over the window: what the most predicted class takes, and what guessing stays below.
        newest, newest_chance: the same of the newest batch alone, which a window of many batches trails behind.
    """

    predicted: int
    n_classes: int
    images: int
    largest: float
    largest_label: float
    chance: float
    newest: float = 0.0
    newest_chance: float = 1.0

    @property
    def conspicuous(self) -> bool:
        return self.largest > _TIMES * max(self.chance, self.largest_label)

    def sentence(self) -> str:
        """Streamlit markdown, short enough for one line."""
        sign = ":orange[\u25b2]" if self.conspicuous else ":green[\u2713]"
        return f"{sign} **{self.predicted_words}**; {self.largest_words}"

    @property
    def predicted_words(self) -> str:
        return f"{theme.format_count(self.predicted)} of {theme.format_count(self.n_classes)} classes are predicted"

    @property
    def largest_words(self) -> str:
        """The largest share and what to compare it with."""
        compared = f"guessing: below {theme.format_percent(self.chance)}"
        if self.largest_label > self.chance:
            compared += f"; largest label: {theme.format_percent(self.largest_label)}"
        words = f"the largest takes **{theme.format_percent(self.largest)}** :gray[({compared})]"
        return (
            f"{words}, **{theme.format_percent(self.newest)}** of the newest batch" if self.worsens else words
        )

    @property
    def worsens(self) -> bool:
        """Whether the newest batch is conspicuous by itself and clearly more so than the window."""
        return self.newest > _TIMES * self.newest_chance and self.newest > _AHEAD * self.largest


def concentration(
    counts_C: Counts, labels_C: Counts, images: int, newest_C: Counts | None = None
) -> Concentration | None:
    """None before the first prediction.

    Args:
        counts_C, labels_C: over the window of ``images`` predictions.
        newest_C: predictions of the newest batch.
    """
    if images == 0 or len(counts_C) < 2:
        return None
    return Concentration(
        predicted=int(np.count_nonzero(counts_C)),
        n_classes=len(counts_C),
        images=images,
        largest=float(counts_C.max()) / max(1, int(counts_C.sum())),
        largest_label=float(labels_C.max()) / max(1, int(labels_C.sum())),
        chance=max_share_chance(len(counts_C), images),
        **_newest(newest_C),
    )


def _newest(newest_C: Counts | None) -> dict[str, float]:
    images = 0 if newest_C is None else int(newest_C.sum())
    if newest_C is None or images == 0:
        return {}
    return {
        "newest": float(newest_C.max()) / images,
        "newest_chance": max_share_chance(len(newest_C), images),
    }


def concentration_now(home: Home, run_id: str) -> Concentration | None:
    """Of the run's window and its newest batch."""
    now = queries.histogram_now(home, run_id)
    one_batch = queries.catalog_of(home).run(run_id).config.data.batch_size
    batch = queries.histogram_now(home, run_id, images=one_batch)
    return concentration(now.predicted_C, now.labels_C, now.images, batch.predicted_C)


def verdict_line(run_id: str, *, every_s: float | None) -> None:
    """The lines above the charts; drawn again every ``every_s`` seconds, never if None.

    Their height is always that of the banner: nothing below may move when a verdict turns bad.
    """
    with st.container(key="verdict", width="stretch"):
        fragment(_draw, every_s=every_s)(run_id)


def _draw(run_id: str) -> None:
    with calmly():
        status = at_this_moment(queries.run_status, run_id)
        found = at_this_moment(concentration_now, run_id)
        bad = status.verdict is not None and status.verdict.status in BAD
        with st.container(
            key="banner" if bad else "calm", horizontal=True, vertical_alignment="center", gap="medium"
        ):
            lines = banner_lines(status, found) if bad else calm_lines(status, found)
            st.markdown("  \n".join(lines), width="stretch")
            if status.verdict is not None and (bad or status.verdict.status == "watch"):
                _why(run_id, bad=bad)
                if bad and status.likely_cause and not at_work(status.autopilot):
                    _try_fix(run_id, status.likely_cause)


def _why(run_id: str, *, bad: bool) -> None:
    kind: Literal["primary", "tertiary"] = "primary" if bad else "tertiary"
    if st.button("Why", icon=":material/stethoscope:", type=kind, key=f"verdict.why.{run_id}"):
        go(DIAGNOSIS, run_id)


def _try_fix(run_id: str, cause: str) -> None:
    """Start the trial of the likeliest cause's fix and show it; where no setting would mend it, show the cause."""
    if st.button("Try this fix", icon=":material/compare:", key=f"verdict.try.{run_id}"):
        remedy = queries.remedy_for(state.home(), run_id, cause)
        if remedy.changes:
            start_proof(state.home(), run_id, remedy)
        go(DIAGNOSIS, run_id)


def calm_lines(status: queries.RunStatus, found: Concentration | None) -> tuple[str, str]:
    """The verdict in a few words, and how predictions are spread, as Streamlit markdown."""
    return (
        verdict_words(status) or ":gray[no verdict yet]",
        found.sentence() if found else ":gray[no predictions yet]",
    )


def banner_lines(status: queries.RunStatus, found: Concentration | None) -> tuple[str, str]:
    """What is wrong in numbers, and what is likely to blame."""
    assert status.verdict is not None
    verdict = status.verdict
    since = f"since step {theme.format_count(verdict.since_step)}"
    head = f":red[**{verdicts.sign_of(verdict.status)} {verdicts.name_of(verdict.status)}** {since}]"
    if verdict.status == "collapsed" and found:
        seen = f"{found.predicted_words}, {found.largest_words}"
    else:
        seen = prose(next(iter(verdict.reasons), verdicts.SENTENCES[verdict.status]))
    return f"{head} \u2014 {seen}", at_work(status.autopilot) or _likely(status)


def _likely(status: queries.RunStatus) -> str:
    if not status.likely_cause:
        return "No cause stands out yet; the experiments of the diagnosis may tell."
    name = escape(CAUSE_NAMES.get(status.likely_cause, status.likely_cause))
    sure = "" if status.cause_confidence is None else f" ({100 * status.cause_confidence:.0f} %)"
    return f"Likely cause: **{escape(status.likely_cause)}**{sure} :gray[{name}]"


def verdict_words(status: queries.RunStatus) -> str:
    """``"watch since step 120, likely input.range (94 %)"`` as Streamlit markdown; nothing before a verdict."""
    verdict = status.verdict
    if verdict is None:
        return ""
    colour = verdicts.colour_of(verdict.status)
    since = f" since step {theme.format_count(verdict.since_step)}"
    cause = f", likely {escape(status.likely_cause)}" if status.likely_cause and colour != "green" else ""
    sure = (
        f" ({100 * status.cause_confidence:.0f} %)" if cause and status.cause_confidence is not None else ""
    )
    return f":{colour}[**{verdicts.name_of(verdict.status)}**{since}{cause}{sure}]"
