"""A sweep told as events: one embedding pass, one pass over the data, all heads in every step of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import normalize

from edgeft_core.config import RunConfig
from edgeft_core.engine.controls import Controls
from edgeft_core.engine.examination import embed_split
from edgeft_core.engine.feeds import CachedFeed
from edgeft_core.engine.forward import StepBatch
from edgeft_core.engine.optimisers import rate_factor
from edgeft_core.engine.preparation import prepare, prepared
from edgeft_core.engine.session import Session
from edgeft_core.errors import ConfigError, NonFiniteError
from edgeft_core.events import (
    Event,
    FloatArray,
    Notice,
    RunEnded,
    RunPrepared,
    StageEnded,
    StageStarted,
    SweepAdvanced,
    SweepMeasured,
    SweepPlanned,
)
from edgeft_core.labs.sweep import scoring, window
from edgeft_core.labs.sweep.base import with_sweep
from edgeft_core.labs.sweep.block import Block
from edgeft_core.labs.sweep.heads import HeadSettings, config_of, heads_of
from edgeft_core.labs.sweep.memory import free_bytes
from edgeft_core.labs.sweep.pacing import Pacing
from edgeft_core.labs.sweep.plan import Plan, bytes_of_head, frame_steps, plan_blocks
from edgeft_core.labs.sweep.requests import Requests
from edgeft_core.labs.sweep.state_file import read_state, remove_state, write_state
from edgeft_core.labs.sweep.tile import Step
from edgeft_core.models.heads.centring import RunningMean
from edgeft_core.models.heads.margin_head import unit


@dataclass
class Place:
    """The next batch: ``block`` of heads, ``epoch`` and ``batch`` within it; its heads have done ``step`` steps."""

    block: int = 0
    epoch: int = 0
    batch: int = 0
    step: int = 0


def train_heads(
    config: RunConfig, *, folder: Path, cache: Path, controls: Controls, resume: bool = False
) -> Iterator[Event]:
    """Train all heads of ``config.sweep`` and yield what happens, in order.

    Every head gets the numbers that ``engine.train`` would give it alone, up to rounding: the same seed decides
    first weights, order of images and their augmented views, and the stage's schedule holds for all. Only early
    stopping is off, so that heads can be compared.

    Args:
        folder: the run's folder, which keeps the state; other arguments as of ``engine.train``.

    Raises:
        RequestError: the config asks for axes, data, weights or a device that cannot be had.
        OutOfMemoryError: not even one head fits into memory.
        NonFiniteError: an embedding is not finite.
    """
    if config.sweep is None:
        raise ConfigError(["sweep: this config has no axes; add some such as head.scale=4,8,16"])
    config = with_sweep(config, config.sweep.axes, draws=config.sweep.draws)
    session = yield from prepare(config, folder=folder, cache=cache)
    session.embedder.train_mode(False)
    state = read_state(folder) if resume else None
    sweep = Sweep(session, Requests(controls), state)
    yield sweep.prepared()
    yield from session.opening_notices()
    yield sweep.planned()
    yield Notice("info", sweep.total_step, sweep.plan.sentence())
    try:
        yield from sweep.run(state)
    finally:
        sweep.close()


class Sweep:
    """One sweep in this process.

    Attributes:
        plan: heads in memory at once; kept with the state, for memory may be freer when the sweep goes on.
    """

    def __init__(self, session: Session, requests: Requests, state: dict[str, Any] | None) -> None:
        assert session.config.sweep is not None
        self._session = session
        self._requests = requests
        self._sweep = session.config.sweep
        self._stage = session.config.stages[0]
        self._heads: list[HeadSettings] = heads_of(self._sweep, session.config.seed)
        at_once = state["heads_at_once"] if state else self._sweep.heads_at_once
        self.plan = _planned(session, len(self._heads), at_once)
        self._steps = self._stage.epochs * session.steps_per_epoch
        self._frames = frame_steps(self._steps, self._sweep.frames)
        self._place = Place(**state["place"]) if state else Place()
        self._mean = RunningMean(session.config.backbone.embedding_dim).to(session.device)
        self._feed = CachedFeed(session, 0)
        self._pacing = Pacing(session.device)
        self._probe: scoring.Probe | None = None
        self._latest: dict[str, FloatArray] = {}

    @property
    def total_step(self) -> int:
        """Steps done, over all blocks."""
        return self._place.block * self._steps + self._place.step

    def prepared(self) -> RunPrepared:
        """What is known before the first step; steps and epochs count over all blocks."""
        known = prepared(self._session)
        return replace(
            known,
            steps_total=self._steps * self.plan.blocks,
            steps_per_epoch=self._session.steps_per_epoch * self.plan.blocks,
            parameters={**known.parameters, "head": known.parameters["head"] * len(self._heads)},
        )

    def planned(self) -> SweepPlanned:
        """The heads, and when they are measured."""
        epochs = tuple(step / self._session.steps_per_epoch for step in self._frames)
        return SweepPlanned(tuple(self._heads), self._frames, epochs)

    def run(self, state: dict[str, Any] | None) -> Iterator[Event]:
        """All blocks from where the state is, or from the start."""
        if state is not None:
            self._mean.load_state_dict(state["mean"])
            yield Notice("info", self.total_step, f"The sweep goes on after step {self.total_step}.")
        yield self._started()
        yield from self._embed_probe()
        in_block = state["block"] if state else {}
        best = (0.0, 0.0)
        while self._place.block < self.plan.blocks:
            block = self._block(in_block)
            try:
                if not in_block:
                    yield self._measured(block)
                yield from self._train(block)
                if self._requests.stop:
                    yield from self._save(block)
                    yield RunEnded(self.total_step, "stopped", {})
                    return
                best = max(best, _best(self._latest))
            finally:
                block.close()
            self._enter(self._place.block + 1)
            in_block = {}
        yield StageEnded(0, self.total_step, "complete")
        remove_state(self._session.folder)
        yield RunEnded(self.total_step, "finished", {"val_top1": best[0], "val_top5": best[1]})

    def close(self) -> None:
        self._feed.close()

    def _started(self) -> StageStarted:
        return StageStarted(
            stage=0,
            name=self._stage.name,
            step=self.total_step,
            epochs=self._stage.epochs,
            steps_per_epoch=self._session.steps_per_epoch * self.plan.blocks,
            cached=True,
            trainable={"head": len(self._heads) * self._session.head.weight.numel()},
        )

    def _embed_probe(self) -> Iterator[Event]:
        """Embed the validation images whose classes are trained."""
        session = self._session
        embedded = yield from embed_split(session, "validation", self._sweep.validation_images)
        known_N = torch.from_numpy(session.trained_classes_C()[session.dataset.labels_N[embedded.rows_N]])
        if bool(known_N.any()):
            known_N = known_N.to(session.device)
            z_ND = normalize(embedded.emb_ND[known_N], dim=1)
            self._probe = scoring.Probe(z_ND, z_ND, session.labels_of(embedded.rows_N)[known_N])

    def _block(self, state: dict[str, Any]) -> Block:
        session = self._session
        heads = [self._heads[head] for head in self.plan.block(self._place.block)]
        block = Block(
            [config_of(session.config, head) for head in heads],
            session.head.weight,
            window_images=session.config.monitor.window_images,
        )
        if state:
            block.load(state)
        return block

    def _enter(self, block: int) -> None:
        self._place = Place(block=block)
        self._mean = RunningMean(self._session.config.backbone.embedding_dim).to(self._session.device)

    def _train(self, block: Block) -> Iterator[Event]:
        """The block's steps until its end, or until the sweep is asked to stop."""
        while self._place.epoch < self._stage.epochs:
            yield from self._epoch(block)
            if self._requests.stop:
                return
            self._place.epoch, self._place.batch = self._place.epoch + 1, 0

    def _epoch(self, block: Block) -> Iterator[Event]:
        waiting: list[Step] = []
        for item in self._feed.epoch(self._place.epoch, self._place.batch):
            if isinstance(item, StepBatch):
                waiting.append(self._step(item, len(waiting)))
                if len(waiting) < self._pacing.steps and waiting[-1].number not in self._frames:
                    continue
            yield from self._advance(block, waiting)
            waiting = []
            if not isinstance(item, StepBatch):
                yield item
            yield from self._requests.handle(self.total_step)
            if self._requests.stop:
                return
        yield from self._advance(block, waiting)

    def _step(self, batch: StepBatch, ahead: int) -> Step:
        """The step on a batch, ``ahead`` steps after those that are done."""
        assert batch.emb_BD is not None
        z_BD = unit(batch.emb_BD.float())
        if not bool(torch.isfinite(z_BD).all()):
            raise NonFiniteError(
                f"The backbone's embeddings are not finite in step {self._place.step + ahead + 1}: no head can learn "
                "from them. Look for the reason with: python -m edgeft_core preflight"
            )
        self._mean.update(z_BD)
        done = self._place.step + ahead
        factor = rate_factor(self._stage, done, self._steps)
        return Step(done + 1, z_BD, self._mean.remove_from(z_BD), batch.labels_B, factor)

    def _advance(self, block: Block, steps: list[Step]) -> Iterator[Event]:
        """Take the steps that wait; measure, tell and save where it is time for that."""
        if not steps:
            return
        with self._pacing.timed(len(steps)):
            block.take(steps)
        self._place.batch += len(steps)
        self._place.step += len(steps)
        looked = self._place.step in self._frames
        if looked:
            yield self._measured(block)
        if looked or self._pacing.tell_now():
            yield self._advanced()
        if self._requests.save or self._pacing.save_now():
            self._requests.save = False
            yield from self._save(block)

    def _advanced(self) -> SweepAdvanced:
        per_epoch = self._session.steps_per_epoch * self.plan.blocks
        rate = self._pacing.steps_per_s * self._session.batch_size
        return SweepAdvanced(self.total_step, self.total_step / per_epoch, rate)

    def _measured(self, block: Block) -> SweepMeasured:
        """Every head of the block as it is now; the window holds what it said on training images."""
        scores = block.measure(self._probe_now().score if self._probe else scoring.nothing)
        columns = zip(
            (*window.SCORES, *scoring.SCORES),
            (*block.window_scores().unbind(dim=1), *scores.unbind(dim=1)),
            strict=True,
        )
        first = self.plan.block(self._place.block).start
        self._latest = {name: one.numpy() for name, one in columns}
        return SweepMeasured(self._place.step, first, self._latest)

    def _probe_now(self) -> scoring.Probe:
        assert self._probe is not None
        return replace(self._probe, centred_ND=self._mean.remove_from(self._probe.z_ND))

    def _save(self, block: Block) -> Iterator[Event]:
        content = {
            "heads_at_once": self.plan.heads_at_once,
            "place": asdict(self._place),
            "mean": self._mean.state_dict(),
            "block": block.state(),
        }
        try:
            write_state(self._session.folder, content)
        except OSError as error:
            yield Notice(
                "warning",
                self.total_step,
                f"The sweep's state cannot be written to {self._session.folder} ({error.strerror or error}); it goes "
                "on. Free some space: a sweep that is killed begins again where it was last saved.",
            )


def _best(values: dict[str, FloatArray]) -> tuple[float, float]:
    """The highest validation Top-1 and Top-5 of some heads; 0 where there is nothing to validate with."""
    top1, top5 = (np.nan_to_num(values[name]).max(initial=0.0) for name in ("val_top1", "val_top5"))
    return float(top1), float(top5)


def _planned(session: Session, heads: int, heads_at_once: int) -> Plan:
    config = session.config
    each = bytes_of_head(
        session.dataset.n_classes,
        config.backbone.embedding_dim,
        batch_size=session.batch_size,
        window_images=config.monitor.window_images,
        scratch=session.device.type != "cpu",
    )
    return plan_blocks(heads, each, free_bytes(session.device), heads_at_once=heads_at_once)
