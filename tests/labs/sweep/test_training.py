"""A sweep's heads are those that the engine trains alone; interrupted or in blocks they are the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from edgeft_core.config import RunConfig
from edgeft_core.engine import NoControls, train
from edgeft_core.engine.newest import last_checkpoint
from edgeft_core.errors import ConfigError
from edgeft_core.events import (
    ControlHandled,
    ControlRequest,
    Event,
    PauseChanged,
    RunEnded,
    SignalsMeasured,
    SweepAdvanced,
    SweepMeasured,
    SweepPlanned,
)
from edgeft_core.labs.sweep.heads import config_of, heads_of
from edgeft_core.labs.sweep.state_file import NAME, read_state
from edgeft_core.labs.sweep.training import train_heads
from tests.engine.runs import tiny
from tests.labs.sweep.sweeps import events_of, measured, small_sweep

AXES = ("scale=4,32", "head=arcface,cosface,softmax", "centre=on,off", "smoothing=0,0.1")


def last_of(events: Sequence[Event]) -> SweepMeasured:
    return measured(events)[-1]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunConfig, list[Event], Path]:
    """24 heads over four epochs: two cached views, each seen twice."""
    folder = tmp_path_factory.mktemp("sweep") / "run"
    config = small_sweep(*AXES, epochs=4)
    return config, events_of(config, folder), folder


def test_every_head_is_the_one_that_the_engine_trains_alone(
    swept: tuple[RunConfig, list[Event], Path], tmp_path: Path
) -> None:
    config, events, folder = swept
    weights = weights_of(config, tmp_path / "again", folder.parent / "cache")
    assert config.sweep is not None
    last = last_of(events)
    for number, settings in list(enumerate(heads_of(config.sweep, config.seed)))[::5]:
        alone = tmp_path / f"alone-{number}"
        alone.mkdir()
        told = list(
            train(
                config_of(config, settings),
                folder=alone,
                cache=folder.parent / "cache",
                controls=NoControls(),
            )
        )
        content = last_checkpoint(alone)
        assert content is not None
        torch.testing.assert_close(weights[number], content["head"]["weight"], rtol=1e-4, atol=1e-5)
        theirs = [
            one.scalars for one in told if isinstance(one, SignalsMeasured) and "val_loss" in one.scalars
        ][-1]
        for name in ("val_loss", "val_top1", "val_top5", "val_max_class_share", "val_effective_classes"):
            assert last.values[name][number] == pytest.approx(theirs[name], rel=1e-4)


def weights_of(config: RunConfig, folder: Path, cache: Path) -> torch.Tensor:
    """The heads' weights after the last step, from the state of a sweep that is stopped there."""
    assert config.sweep is not None
    run_script(config, folder, cache, Script({24: ControlRequest(1, "stop")}, []))
    state = read_state(folder)
    assert state is not None
    assert state["place"]["step"] == 24
    heads = heads_of(config.sweep, config.seed)
    order = sorted(range(len(heads)), key=lambda head: bool(heads[head]["head.centre"]))
    weights: torch.Tensor = state["block"]["weight"][torch.tensor(order).argsort()]
    return weights


def test_a_sweep_is_measured_from_before_its_first_step_to_its_last(
    swept: tuple[RunConfig, list[Event], Path],
) -> None:
    _, events, folder = swept
    planned = next(event for event in events if isinstance(event, SweepPlanned))
    looks = measured(events)
    assert [look.step for look in looks] == list(planned.step_F)
    assert planned.step_F[0] == 0
    assert planned.step_F[-1] == 24
    assert np.isnan(looks[0].values["max_class_share"]).all()
    assert np.isfinite(looks[0].values["val_max_class_share"]).all()
    assert isinstance(events[-1], RunEnded)
    assert not (folder / NAME).exists()


def test_blocks_that_fit_into_memory_give_the_same_heads(
    swept: tuple[RunConfig, list[Event], Path], tmp_path: Path
) -> None:
    config, events, _ = swept
    assert config.sweep is not None
    in_blocks = config.model_copy(update={"sweep": config.sweep.model_copy(update={"heads_at_once": 10})})
    told = events_of(in_blocks, tmp_path / "run")
    ends = [event for event in measured(told) if event.step == 24]
    assert [event.first_head for event in ends] == [0, 8, 16]
    for name, whole in last_of(events).values.items():
        np.testing.assert_allclose(np.concatenate([end.values[name] for end in ends]), whole, rtol=1e-4)
    assert told[-1] == RunEnded(72, "finished", events[-1].scalars)  # type: ignore[union-attr]


class Script(NoControls):
    """Hands out requests when the sweep has told of a step."""

    def __init__(self, at: dict[int, ControlRequest], waiting: list[ControlRequest]) -> None:
        self._at, self._waiting = at, waiting
        self.step = 0
        self.waits = 0

    def poll(self, next_step: int) -> Sequence[ControlRequest]:
        if self.waits and self._waiting:
            return [self._waiting.pop(0)]
        due = [step for step in self._at if step <= self.step]
        return [self._at.pop(step) for step in due]

    def wait(self, timeout_s: float) -> None:
        self.waits += 1


def run_script(
    config: RunConfig, folder: Path, cache: Path, script: Script, *, resume: bool = False
) -> list[Event]:
    folder.mkdir(parents=True, exist_ok=True)
    told = []
    for event in train_heads(config, folder=folder, cache=cache, controls=script, resume=resume):
        told.append(event)
        if isinstance(event, SweepAdvanced):
            script.step = event.step
    return told


def test_a_stopped_sweep_goes_on_as_if_nothing_had_happened(
    swept: tuple[RunConfig, list[Event], Path], tmp_path: Path
) -> None:
    config, events, folder = swept
    cache = folder.parent / "cache"
    first = run_script(config, tmp_path / "run", cache, Script({9: ControlRequest(3, "stop")}, []))
    assert isinstance(first[-1], RunEnded)
    assert first[-1].reason == "stopped"
    rest = run_script(config, tmp_path / "run", cache, Script({}, []), resume=True)
    looks = {look.step: look.values for look in measured([*first, *rest])}
    assert min(look.step for look in measured(rest)) > 9
    for look in measured(events):
        for name, values in look.values.items():
            np.testing.assert_array_equal(looks[look.step][name], values)


def test_a_sweep_killed_in_its_second_block_goes_on_from_its_saved_state(
    swept: tuple[RunConfig, list[Event], Path], tmp_path: Path
) -> None:
    config, events, folder = swept
    assert config.sweep is not None
    in_blocks = config.model_copy(update={"sweep": config.sweep.model_copy(update={"heads_at_once": 12})})
    script = Script({29: ControlRequest(1, "checkpoint")}, [])
    killed = tmp_path / "run"
    killed.mkdir()
    going = train_heads(in_blocks, folder=killed, cache=folder.parent / "cache", controls=script)
    for event in going:
        script.step = event.step if isinstance(event, SweepAdvanced) else script.step
        if script.step >= 33:
            break  # as good as killed: nobody hears about it
    state = read_state(killed)
    assert state is not None
    assert state["place"]["block"] == 1
    rest = run_script(in_blocks, killed, folder.parent / "cache", Script({}, []), resume=True)
    last = last_of(rest)
    assert last.first_head == 12
    np.testing.assert_allclose(last.values["val_loss"], last_of(events).values["val_loss"][12:], rtol=1e-5)


def test_pause_waits_and_settings_are_refused(
    swept: tuple[RunConfig, list[Event], Path], tmp_path: Path
) -> None:
    config, _, folder = swept
    script = Script(
        {4: ControlRequest(1, "pause"), 12: ControlRequest(3, "set", {"head.scale": 2.0})},
        [ControlRequest(2, "resume")],
    )
    told = run_script(config, tmp_path / "run", folder.parent / "cache", script)
    assert [event.paused for event in told if isinstance(event, PauseChanged)] == [True, False]
    handled = [event for event in told if isinstance(event, ControlHandled)]
    assert [event.outcome for event in handled] == ["applied", "applied", "refused"]
    assert "cannot change while it goes" in handled[-1].reason
    assert script.waits == 1


def test_a_config_without_axes_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no axes"):
        next(iter(train_heads(tiny(), folder=tmp_path, cache=tmp_path, controls=NoControls())))
