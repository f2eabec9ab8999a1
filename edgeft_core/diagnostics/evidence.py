"""Signs of collapse in one reading: independent looks at the same run, each with its sentence."""

from __future__ import annotations

from dataclasses import dataclass

from edgeft_core.diagnostics import thresholds as limit
from edgeft_core.diagnostics.vitals import Reading


@dataclass(frozen=True)
class Signs:
    """What one reading shows. Every field is a sentence where it holds and empty where it does not.

    Attributes:
        concentrated: predictions fall on far fewer classes than labels and guessing explain.
        few_classes: at least half of the classes that guessing would show are missing.
        embeddings: different people have nearly the same embedding.
        point: so nearly that the backbone tells nobody apart.
        flat_logits: logits hardly differ between faces.
        uninformed: predictions carry almost no information about the input.
    """

    concentrated: str = ""
    few_classes: str = ""
    embeddings: str = ""
    point: str = ""
    flat_logits: str = ""
    uninformed: str = ""

    @property
    def ignoring_input(self) -> int:
        """How many of the looks at embeddings and logits say that the input is ignored."""
        return sum(map(bool, (self.embeddings, self.flat_logits, self.uninformed)))

    @property
    def collapse(self) -> bool:
        """Several independent signs agree: predictions and what is behind them, or all that is behind them."""
        if self.concentrated:
            return self.ignoring_input >= 1
        return bool(self.few_classes) and (bool(self.point) or self.ignoring_input >= 2)

    def alarming(self, *, warm: bool) -> bool:
        """Whether one of them alone is worth a look.

        Args:
            warm: predictions of a head that has not learned fall on few classes wherever faces are somewhat alike; only
                later do they say anything by themselves.
        """
        ignored = self.embeddings or (self.flat_logits and self.uninformed)
        return bool(ignored or (warm and self.concentrated))

    @property
    def sentences(self) -> tuple[str, ...]:
        embeddings = self.point or self.embeddings
        shares = self.concentrated or self.few_classes
        return tuple(filter(None, (shares, embeddings, self.flat_logits, self.uninformed)))


def signs_of(reading: Reading) -> Signs:
    """The signs that hold in a reading."""
    return Signs(
        concentrated=_shares(reading) if is_concentrated(reading) else "",
        few_classes=_shares(reading) if _class_share(reading) <= limit.FEW_CLASSES else "",
        embeddings=_embeddings(reading) if is_collapsed(reading, limit.COLLAPSED_COSINE) else "",
        point=_embeddings(reading) if is_collapsed(reading, limit.POINT_COSINE) else "",
        flat_logits=_flat_logits(reading),
        uninformed=_uninformed(reading),
    )


def is_concentrated(reading: Reading) -> bool:
    """Predictions fall on far fewer classes than labels and guessing explain."""
    if reading.excess >= limit.CONCENTRATED_EXCESS:
        return True
    # With few classes a single one that is missing would count for much: there only the share tells.
    return reading.class_reference >= 1.0 / limit.CONCENTRATED_CLASSES and (
        _class_share(reading) <= limit.CONCENTRATED_CLASSES
    )


def is_collapsed(reading: Reading, cosine: float) -> bool:
    """Whether different people's embeddings have a mean cosine above ``cosine``, by two ways of measuring it."""
    if reading.centred:  # both are measured before the mean is removed
        return False
    level = 1.0 - (1.0 - cosine) ** 0.5
    return reading.cos_different >= cosine or reading.collapse_level >= level


def _class_share(reading: Reading) -> float:
    """Effective classes as a share of what guessing would show; labels that are few themselves explain few."""
    return reading.effective_classes / reading.class_reference


def _shares(reading: Reading) -> str:
    return (
        f"{reading.effective_classes:.3g} of {reading.shape.n_classes} classes are predicted in effect, the largest "
        f"{reading.max_share:.1%} of the time (labels or guessing explain {reading.share_reference:.1%} at most)"
    )


def _embeddings(reading: Reading) -> str:
    return f"faces of different people have a mean cosine of {reading.cos_different:.2f} (0 = unrelated, 1 = one point)"


def _flat_logits(reading: Reading) -> str:
    if not reading.std_samples < limit.IGNORED_STD * reading.std_reference:
        return ""
    return (
        f"logits vary by {reading.std_samples:.2g} between faces, random directions would give "
        f"{reading.std_reference:.2g} (s / (T sqrt d))"
    )


def _uninformed(reading: Reading) -> str:
    if not reading.mutual_information < limit.IGNORED_INFORMATION * reading.information_reference:
        return ""
    return (
        f"predictions carry {reading.mutual_information:.2g} nats about the input, random directions would give "
        f"{reading.information_reference:.2g}"
    )
