"""Both twins side by side, in turns, from the same start and in the same data order. Needs torch."""

from __future__ import annotations

import shutil
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.errors import DataError, RequestError
from edgeft_core.proof import limits
from edgeft_core.proof.plan import Plan
from edgeft_core.proof.record import Twin
from edgeft_core.proof.twin import Tell, TwinRun
from edgeft_core.settings import START_CHECKPOINT

_NAMES: Final = ("without the fix", "with the fix")


@dataclass(frozen=True)
class Trial:
    """What both showed.

    Attributes:
        notes: what was sampled or left out, in sentences.
    """

    without: Twin
    with_fix: Twin
    steps: int
    n_classes: int
    notes: tuple[str, ...]


def run_trial(plan: Plan, *, start: Path | None, folder: Path, cache: Path, tell: Tell) -> Trial:
    """Run both twins.

    Args:
        start: the checkpoint that both set out from; None for the beginning.
        folder: for what the twins write; may be deleted afterwards.
        cache: of the home; embeddings that the run left there are used.

    Raises:
        EdgeFTError: data, weights or checkpoint cannot be read, there are too few images, or the machine is too slow.
    """
    clock = _Clock()
    tell("Opening the run", 0, 1)
    for name in _NAMES:
        _furnish(folder / name, start)
    with closing(TwinRun(_NAMES[0], shortened(plan.without), folder / _NAMES[0], cache, tell)) as without:
        _enough_images(without)
        with closing(
            TwinRun(_NAMES[1], shortened(plan.with_fix), folder / _NAMES[1], cache, tell)
        ) as with_fix:
            steps = _race((without, with_fix), clock, tell)
            n_classes = without.session.dataset.n_classes
            return Trial(without.result(), with_fix.result(), steps, n_classes, _notes(with_fix, steps))


def shortened(config: RunConfig) -> RunConfig:
    """The same training on the CPU, in this process alone, without what a trial does not look at."""
    window = min(limits.WINDOW_IMAGES, limits.STEPS * config.data.batch_size // 2)
    one_view = {
        f"stages.{index}.cached_views": min(1, stage.cached_views)
        for index, stage in enumerate(config.stages)
    }
    return with_values(
        config,
        {
            "device": "cpu",
            "threads": 0,
            "data.workers": 0,
            "monitor.window_images": max(16, window),
            "monitor.heavy_every_steps": 1_000_000,
            "monitor.validate_every_epochs": 10_000,
            "monitor.sample_images": 4,
            **one_view,
        },
    )


class _Clock:
    """Whether the time for the steps is over."""

    def __init__(self) -> None:
        self._began, self._worked = time.monotonic(), time.process_time()

    @property
    def over(self) -> bool:
        worked = time.process_time() - self._worked
        return worked > limits.BUDGET_CPU_S or time.monotonic() - self._began > limits.BUDGET_S


def _furnish(folder: Path, start: Path | None) -> None:
    folder.mkdir(parents=True)
    if start is not None:
        (folder / START_CHECKPOINT).parent.mkdir()
        shutil.copyfile(start, folder / START_CHECKPOINT)


def _enough_images(twin: TwinRun) -> None:
    images = len(twin.session.train_rows_N)
    if images < limits.IMAGES_NEEDED:
        raise DataError(
            f"There are {images} training images, and fewer than {limits.IMAGES_NEEDED} say nothing in so few steps."
        )


def _race(twins: tuple[TwinRun, TwinRun], clock: _Clock, tell: Tell) -> int:
    """Let both take the same steps, one each in turn; returns how many.

    Raises:
        RequestError: there was no time for more than a few, or the run is at its end.
    """
    steps = 0
    while steps < limits.STEPS and not clock.over and not any(twin.at_end for twin in twins):
        went_on = [twin.advance() for twin in twins]
        if not all(went_on):
            break
        steps += 1
        tell("Steps of both", steps, limits.STEPS)
        if steps % (limits.STEPS // limits.LOOKS) == 0 and not any(twin.trains_backbone for twin in twins):
            for twin in twins:
                twin.validate()
    if any(twin.broke for twin in twins):
        return steps
    if steps < limits.STEPS_LEAST:
        raise RequestError(_too_few(steps, slow=clock.over))
    for number, twin in enumerate(twins):
        tell(f"Scoring new images, {twin.name}", number, 2)
        twin.validate()
    return steps


def _too_few(steps: int, *, slow: bool) -> str:
    if slow:
        return (
            f"The machine is too slow for a trial just now: {steps} steps of both, and at least {limits.STEPS_LEAST} "
            "are needed. Try again when the run has ended, or start a new run with the fix."
        )
    return f"Only {steps} steps are left of this run, too few to show a difference; start a new run with the fix."


def _notes(twin: TwinRun, steps: int) -> tuple[str, ...]:
    scored = int(twin.result().measured.get("val_images", 0.0))
    there = len(twin.session.dataset.splits["validation"])
    found = [f"{steps} steps each on the CPU, the same images in the same order.", twin.left_out]
    if scored < there and not twin.broke:
        found.append(f"Scored on {scored} of {there} validation images, spread evenly.")
    if not there:
        found.append("There are no validation images: only training images are compared.")
    if steps < limits.STEPS and not twin.broke:
        why = "The run ends" if twin.at_end else "Time ran out"
        found.append(f"{why} before the {limits.STEPS} steps that were planned.")
    return tuple(filter(None, found))
