"""Do the parts of a split name the same people? Looks at names only, so it works where nothing can be decoded."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Set

from edgeft_core.data.split_names import split_names as listed_names
from edgeft_core.diagnostics.case import Finding
from edgeft_core.errors import DataError
from edgeft_core.preflight.report import Passed, listed
from edgeft_core.preflight.subject import Subject
from edgeft_core.preflight.thresholds import UNMATCHED_NAMES_SHARE

CHECK = "data.names"


def split_names(subject: Subject) -> Iterator[Finding | Passed]:
    """Identities of the training part against those of the parts that are scored."""
    if subject.drawn:
        return
    try:
        names = listed_names(subject.config.data.source, subject.config.data.low_res_px)
    except DataError:
        return  # told by whoever opens the data set
    trained, scored = names.trained, names.scored
    if not scored:
        yield Passed(
            CHECK, f"{len(trained)} identities; the split is made here, so every part has the same people."
        )
        return
    unknown, unscored = sorted(scored - trained), sorted(trained - scored)
    if not unknown and not unscored:
        yield Passed(CHECK, f"The {len(trained)} identities of the training part are those that are scored.")
        return
    yield _finding(trained, scored, unknown, unscored)


def _finding(trained: Set[str], scored: Set[str], unknown: list[str], unscored: list[str]) -> Finding:
    share = len(unknown) / len(scored)
    spelling = _spelled_otherwise(unknown, unscored)
    seen = (
        f"{len(unknown)} of the {len(scored)} identities to score are not in the training part"
        f"{f' ({listed(unknown)})' if unknown else ''}; {len(unscored)} that are trained on are never scored"
        f"{f' ({listed(unscored)})' if unscored else ''}."
    )
    meaning = " Images of people who are not trained on cannot be recognised and are left out."
    if spelling:
        meaning += f" {len(spelling)} look like one person spelled in two ways: {listed(spelling)}."
    mend = " Use the same name for a person in every part, or give the training folder alone as data.source."
    everyone = share == 1.0
    return Finding(
        CHECK,
        "blocking" if everyone else "warning" if share >= UNMATCHED_NAMES_SHARE or spelling else "info",
        seen + meaning + mend,
        cause="labels.split_mismatch",
        values={
            "identities_trained": len(trained),
            "identities_scored": len(scored),
            "identities_unknown": len(unknown),
            "share_unknown": share,
        },
        examples=tuple(spelling or unknown or unscored)[:5],
    )


def _spelled_otherwise(unknown: list[str], unscored: list[str]) -> list[str]:
    """Pairs of names that differ in case, padding zeros or punctuation only, as ``s01 / S1``."""
    plain: dict[str, list[str]] = defaultdict(list)
    for name in unscored:
        plain[_plain(name)].append(name)
    return [f"{plain[_plain(name)][0]} / {name}" for name in unknown if _plain(name) in plain]


def _plain(name: str) -> str:
    words = re.findall(r"\d+|[^\W\d_]+", name.casefold())
    return " ".join(word.lstrip("0") or "0" if word.isdigit() else word for word in words)
