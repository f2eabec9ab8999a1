"""What one reading of a run's numbers says, given where it comes from. No memory of earlier opinions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgeft_core.diagnostics import thresholds as limit
from edgeft_core.diagnostics.chance import top_k_chance
from edgeft_core.diagnostics.evidence import Signs, signs_of
from edgeft_core.diagnostics.status import Status
from edgeft_core.diagnostics.vitals import Reading, Shape


@dataclass(frozen=True)
class Clock:
    """What counts as early, and since when the settings are what they are.

    Attributes:
        stage_start: step before the first one of the stage.
        stage_steps: planned steps of the stage.
        rate_warmup: steps of the stage in which its learning rates rise.
        changed: step of the last change of a live setting.
        validations_at_chance: validations in a row that guessing would explain.
        cos_at_first: mean cosine of different people in the first batch of the stage; NaN before it.
        lost: what the last validation said, where it recognised less than half of what an earlier one did.
    """

    stage_start: int = 0
    stage_steps: int = 0
    rate_warmup: int = 0
    changed: int = 0
    validations_at_chance: int = 0
    cos_at_first: float = math.nan
    lost: str = ""

    def is_warm(self, reading: Reading) -> bool:
        """Whether a collapse would be more than a head that has not learned yet."""
        shape = reading.shape
        needed = max(shape.window_steps, min(shape.steps_per_epoch, limit.WARMUP_STEPS_MOST))
        needed = min(max(needed, limit.WARMUP_STEPS_LEAST), limit.WARMUP_STEPS_MOST)
        first_stage = self.stage_start == 0
        return reading.step >= needed + (self.rate_warmup if first_stage else 0)

    def quiet_start(self) -> int:
        """The step from which on progress may be expected."""
        return max(self.stage_start + self.rate_warmup, self.changed)

    def stall_steps(self, shape: Shape) -> float:
        """Steps without progress that make a stall."""
        usual = min(
            max(limit.STALL_EPOCHS * shape.steps_per_epoch, limit.STALL_STEPS_LEAST), limit.STALL_STEPS_MOST
        )
        share = limit.STALL_SHARE_OF_STAGE * (self.stage_steps - self.rate_warmup)
        return min(usual, max(share, limit.WARMUP_STEPS_LEAST)) if self.stage_steps else usual

    def steps_left(self, step: int) -> int:
        return max(0, self.stage_start + self.stage_steps - step)


@dataclass(frozen=True)
class Opinion:
    """What one reading says."""

    status: Status
    reasons: tuple[str, ...] = ()


def judge(reading: Reading, past: Sequence[Reading], clock: Clock, *, first_loss: float) -> Opinion:
    """The status that this reading alone would justify.

    Args:
        past: earlier readings, oldest first.
        first_loss: the highest loss that a head that knows nothing explains at the settings in force.
    """
    signs = signs_of(reading)
    if runs_away(reading, past, first_loss):
        text = f"loss {reading.loss:.3g}, a head that knows nothing has {first_loss:.3g}"
        return Opinion("diverged", (text, _scores(reading)))
    if clock.is_warm(reading) and has_collapsed(reading, past, signs):
        return Opinion("collapsed", (_scores(reading), *signs.sentences))
    if has_stalled(reading, past, clock):
        return Opinion("stalled", (_scores(reading), _standstill(reading, past, clock)))
    return _harmless(reading, signs, clock)


def _harmless(reading: Reading, signs: Signs, clock: Clock) -> Opinion:
    well = is_well_above_chance(reading)
    forgets = tuple(filter(None, (clock.lost, _closes_up(reading, clock))))
    if forgets:  # the window of predictions may still be full of what was known before
        return Opinion("watch", (*forgets, _scores(reading)))
    if well and clock.validations_at_chance >= limit.BAD_GENERALISATION_VALIDATIONS:
        text = f"the last {clock.validations_at_chance} validations were at chance: nothing carries over to new images"
        return Opinion("watch", (_scores(reading), text))
    if signs.alarming(warm=clock.is_warm(reading)) and not (well and not signs.point):
        return Opinion("watch", (*signs.sentences, _scores(reading)))
    return Opinion("healthy" if well else "learning", (_scores(reading),))


def _closes_up(reading: Reading, clock: Clock) -> str:
    """Says so where training the backbone has made different people alike within this stage."""
    rise = reading.cos_now - clock.cos_at_first
    if not (reading.cos_now >= limit.COLLAPSED_COSINE and rise >= limit.COSINE_RISE):
        return ""
    return (
        f"faces of different people have come together in this stage: their mean cosine rose from "
        f"{clock.cos_at_first:.2f} to {reading.cos_now:.2f}"
    )


def has_collapsed(reading: Reading, past: Sequence[Reading], signs: Signs) -> bool:
    """Several signs agree, accuracy does not speak against them, and nothing is getting better."""
    if is_well_above_chance(reading):
        return False
    then = _one_and_a_half_windows_ago(past)
    if then is not None and _spreads(reading, then):
        return False
    if signs.point and signs.collapse:
        return True
    if reading.above_chance or (then is not None and _gains(reading, then)):
        return False
    return signs.collapse or reading.excess >= limit.MAJORITY_EXCESS


def has_stalled(reading: Reading, past: Sequence[Reading], clock: Clock) -> bool:
    """Nothing is learned for long, and at this pace nothing will be by the end of the stage."""
    begin = clock.quiet_start()
    if _has_clearly_left_chance(reading) or reading.step - begin < clock.stall_steps(reading.shape):
        return False
    needed = limit.GAP_SLOW if reading.above_chance else limit.GAP_USEFUL
    return not _projected_gap(reading, past, clock) >= needed


def _has_clearly_left_chance(reading: Reading) -> bool:
    """Whether Top-1 or Top-5 is not only beyond the band of guessing, but by a good part of it."""
    return reading.top1 > limit.BY_A_HAIR * reading.top1_high or (
        reading.top5_tells and reading.top5 > limit.BY_A_HAIR * reading.top5_high
    )


def runs_away(reading: Reading, past: Sequence[Reading], first_loss: float) -> bool:
    """The loss is beyond what ignorance explains, or came all the way back to it after it had been learned down."""
    if not math.isfinite(first_loss) or is_well_above_chance(reading):
        return False
    if reading.loss > limit.LOSS_RUNAWAY * first_loss:
        return True
    best = min((one.loss for one in past if math.isfinite(one.loss)), default=math.inf)
    return best < limit.LOSS_REBOUND * first_loss and reading.loss > first_loss


def is_well_above_chance(reading: Reading) -> bool:
    """Clearly more than guessing: several times the band's upper end, or a good part of the way to perfect."""
    n_classes = reading.shape.n_classes
    scores = [(reading.top1, reading.top1_high, reading.top1_chance)]
    if n_classes >= limit.TOP5_FROM_CLASSES and reading.top5_tells:
        scores.append((reading.top5, reading.top5_high, reading.top5_chance))
    for value, high, chance in scores:
        skill = chance + limit.WELL_ABOVE_SKILL * (1.0 - chance)
        if value >= min(limit.WELL_ABOVE_BAND * high, skill):
            return True
    return False


def _projected_gap(reading: Reading, past: Sequence[Reading], clock: Clock) -> float:
    """Where the gap between own and other classes will be at the end of the stage at the pace so far."""
    begin = clock.quiet_start()
    start = next((one for one in past if one.step >= begin), reading)
    if reading.step <= start.step:
        return reading.gap
    pace = (reading.gap - start.gap) / (reading.step - start.step)
    return reading.gap + max(0.0, pace) * clock.steps_left(reading.step)


def _one_and_a_half_windows_ago(past: Sequence[Reading]) -> Reading | None:
    checks = round(1.5 / limit.CHECK_SHARE_OF_WINDOW)
    return past[-checks] if len(past) >= checks else None


def _gains(reading: Reading, then: Reading) -> bool:
    """The own class stands out more than before, or predictions spread over more classes."""
    eases = then.excess >= limit.CONCENTRATED_EXCESS and reading.excess <= limit.EASED * then.excess
    return reading.gap - then.gap >= limit.GAP_RISING or eases


def _spreads(reading: Reading, then: Reading) -> bool:
    """Different people's embeddings move apart."""
    return then.cos_different - reading.cos_different >= limit.COSINE_FALLING


def _scores(reading: Reading) -> str:
    n_classes = reading.shape.n_classes
    text = (
        f"Top-1 {reading.top1:.1%} and Top-5 {reading.top5:.1%} over the latest {reading.images} images "
        f"(guessing: {top_k_chance(1, n_classes):.1%} and {top_k_chance(5, n_classes):.1%}"
    )
    return text + f", up to {reading.top5_high:.1%})"


def _standstill(reading: Reading, past: Sequence[Reading], clock: Clock) -> str:
    waited = reading.step - clock.quiet_start()
    gap = max(0.0, _projected_gap(reading, past, clock))
    return (
        f"after {waited} steps the own class leads the others by {reading.gap:.2f} standard deviations, and at this "
        f"pace by {gap:.2f} at the end of the stage; loss {reading.loss:.3g}, ln C is "
        f"{math.log(reading.shape.n_classes):.3g}"
    )
