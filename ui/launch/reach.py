"""What s / T can reach, in one plain line: the knob that decides whether a head can learn at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edgeft_core.diagnostics.theory import adacos_scale, attainable_probability, effective_scale
from edgeft_core.figures import theme

# Below this, even a perfect head is unsure of every face; above the next, gradients come from a few samples only.
_LOW_REACH: Final = 0.5
_HIGH_SCALE: Final = 6.0  # times AdaCos' fixed scale


@dataclass(frozen=True)
class Reach:
    """s / T, the largest probability that it allows, and AdaCos' fixed scale to compare with."""

    s_eff: float
    probability: float
    adacos: float

    @property
    def low(self) -> bool:
        return self.probability < _LOW_REACH

    @property
    def high(self) -> bool:
        return self.s_eff > _HIGH_SCALE * self.adacos

    def sentence(self) -> str:
        """Streamlit markdown."""
        level = " :orange[\u25b2 low]" if self.low else " :orange[\u25b2 high]" if self.high else ""
        return (
            f"s/T = **{theme.format_number(self.s_eff)}**: a probability of up to "
            f"**{theme.format_percent(self.probability)}**{level}  \n"
            f":gray[AdaCos, a rule for s/T, would take {theme.format_number(self.adacos)}]"
        )


def reach(scale: float, temperature: float, n_classes: int) -> Reach:
    """For settings of a head over ``n_classes`` identities."""
    s_eff = effective_scale(scale, temperature)
    classes = max(3, n_classes)  # AdaCos' scale is 0 for two classes
    return Reach(s_eff, attainable_probability(s_eff, classes), adacos_scale(classes))
