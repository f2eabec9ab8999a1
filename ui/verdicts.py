"""How each verdict looks, wherever it appears: colour, sign, words."""

from __future__ import annotations

from typing import Final

from edgeft_core.diagnostics.status import BAD, Status
from edgeft_core.figures.theme import Meaning

MEANINGS: Final[dict[Status, Meaning]] = {
    "healthy": Meaning.OK,
    "learning": Meaning.OK,
    "watch": Meaning.WATCH,
    "stalled": Meaning.BAD,
    "collapsed": Meaning.BAD,
    "diverged": Meaning.BAD,
}
_COLOURS: Final = {Meaning.OK: "green", Meaning.WATCH: "orange", Meaning.BAD: "red"}
_SIGNS: Final = {Meaning.OK: "\u2713", Meaning.WATCH: "\u25b2", Meaning.BAD: "\u2715"}

SENTENCES: Final[dict[Status, str]] = {
    "healthy": "It recognises people well above what guessing would score.",
    "learning": "It is early, or just above what guessing would score.",
    "watch": "One sign of trouble, or a cause that is certain. It may still come right.",
    "collapsed": "Predictions fall on far fewer classes than labels and guessing explain.",
    "stalled": "Nothing has been learned for long, and at this pace nothing will be by the end of the stage.",
    "diverged": "NaN or infinity, or a loss above that of a head that knows nothing.",
}


def colour_of(status: Status) -> str:
    """Streamlit's name of the colour; the theme maps it to the figures' colours."""
    return _COLOURS[MEANINGS[status]]


def sign_of(status: Status) -> str:
    """A mark that tells verdicts apart without colour."""
    return _SIGNS[MEANINGS[status]]


def name_of(status: Status) -> str:
    """In capitals where it is bad."""
    return status.upper() if status in BAD else status
