"""What would a fresh head learn from these embeddings in a few hundred steps, under these and other settings?"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from edgeft_core.config import HeadConfig, StageConfig
from edgeft_core.diagnostics import theory
from edgeft_core.diagnostics.case import ProbeResult
from edgeft_core.diagnostics.probes.context import LabelledEmbeddings, ProbeContext, Tell
from edgeft_core.engine.device import Precision
from edgeft_core.engine.embedder import Embedder
from edgeft_core.engine.forward import StepBatch, plain_logits
from edgeft_core.engine.step import NonFiniteStepError, Stepper
from edgeft_core.evaluation.identification import Identification, identification
from edgeft_core.models.heads import MarginHead, build_head

STEPS = 250
BUDGET_CPU_S, BUDGET_S = 4.5, 12.0
"""All replays together, in time of this process and by the clock, which go apart where a run takes the cores. Large
heads get fewer steps, all of them the same number."""

BATCH = 32
LAST_STEPS = 20
RECOMMENDED_MARGIN = 0.2


@dataclass(frozen=True)
class Variant:
    """Settings of one replay."""

    head: HeadConfig
    lr: float


class Replay:
    """A fresh head that learns from embeddings, by the engine's own steps."""

    def __init__(self, context: ProbeContext, variant: Variant) -> None:
        generator = torch.Generator().manual_seed(context.config.seed)
        self.head: MarginHead = build_head(
            variant.head, context.config.backbone.embedding_dim, context.n_classes, generator
        )
        stage = context.config.stages[context.stage]
        self._settings = StageConfig.model_validate(
            stage.model_dump()
            | {
                "train_backbone": False,
                "head_lr": variant.lr,
                "contrastive_weight": 0.0,
                "schedule": "constant",
            }
        )
        frozen = Embedder(nn.Identity(), torch.device("cpu"), Precision())
        frozen.train_mode(False)
        self._step = Stepper(frozen, self.head, Precision())
        self.losses: list[float] = []
        self.broken = False

    def step(self, emb_BD: Tensor, labels_B: Tensor) -> None:
        """One step, unless an earlier one was not finite."""
        if self.broken:
            return
        try:
            taken = self._step(StepBatch(labels_B, labels_B, emb_BD=emb_BD), self._settings, 1.0)
        except NonFiniteStepError:
            self.broken = True
            return
        self.losses.append(float(taken.forward.loss))

    @torch.no_grad()
    def scores(self, faces: LabelledEmbeddings) -> Identification:
        """Margin off."""
        self.head.eval()
        return identification([(plain_logits(self.head, faces.emb_ND), faces.labels_N)])


def variants(context: ProbeContext) -> dict[str, Variant]:
    """As is; at a tenth and ten times the learning rate; at recommended settings; without margin; centred."""
    config = context.config
    head, lr = config.head, config.stages[context.stage].head_lr
    if lr == 0.0 or config.stages[context.stage].train_backbone:
        lr = max(stage.head_lr for stage in config.stages)  # of the stage that teaches the head
    recommended = {
        "scale": min(256.0, max(16.0, 1.5 * theory.cosface_scale_bound(context.n_classes))),
        "temperature": 1.0,
        "margin_rad": min(head.margin_rad, RECOMMENDED_MARGIN),
    }
    return {
        "as_is": Variant(head, lr),
        "lr_tenth": Variant(head, lr / 10),
        "lr_tenfold": Variant(head, min(1.0, lr * 10)),
        "recommended": Variant(head.model_copy(update=recommended), lr),
        "margin_0": Variant(head.model_copy(update={"margin_rad": 0.0}), lr),
        "centred": Variant(head.model_copy(update={"centre": True}), lr),
    }


def probe(context: ProbeContext, tell: Tell) -> ProbeResult:
    """Replay the head's training from its random start on the same embeddings and in the same order."""
    learned, scored = context.learned, context.scored
    replays = {name: Replay(context, variant) for name, variant in variants(context).items()}
    steps = _run(replays, learned, tell, context.config.seed)
    values: dict[str, float] = {"steps": float(steps), "images": float(len(learned.rows_N))}
    for name, replay in replays.items():
        values |= _values(name, replay, learned, scored)
    text = f"After {steps} steps of a fresh head, Top-5 of training images: " + ", ".join(
        f"{name.replace('_', ' ')} {values[f'train_top5_{name}']:.1%}" for name in replays
    )
    return ProbeResult("head_replays", values, f"{text}.")


def _run(replays: dict[str, Replay], faces: LabelledEmbeddings, tell: Tell, seed: int) -> int:
    """Step all replays in turn; returns the steps that each of them took."""
    size = min(BATCH, len(faces.rows_N))
    order = _order(len(faces.rows_N), size, seed)
    began, worked = time.monotonic(), time.process_time()
    for step in range(STEPS):
        rows_B = order[step]
        for replay in replays.values():
            replay.step(faces.emb_ND[rows_B], faces.labels_N[rows_B])
        if step % 25 == 0:
            tell("Head replays", step, STEPS)
        if time.process_time() - worked > BUDGET_CPU_S or time.monotonic() - began > BUDGET_S:
            return step + 1
    return STEPS


def _order(n: int, size: int, seed: int) -> Tensor:
    """Places of each step's images, (STEPS, size): whole passes in a new order each."""
    random = np.random.default_rng([seed, 1])
    passes = -(-STEPS * size // n)
    places = np.concatenate([random.permutation(n) for _ in range(passes)])
    return torch.from_numpy(places[: STEPS * size].reshape(STEPS, size))


def _values(
    name: str, replay: Replay, learned: LabelledEmbeddings, scored: LabelledEmbeddings
) -> dict[str, float]:
    on_training = replay.scores(learned)
    first = replay.losses[0] if replay.losses else math.nan
    last = float(np.mean(replay.losses[-LAST_STEPS:])) if replay.losses else math.nan
    values = {
        f"train_top1_{name}": on_training.top1,
        f"train_top5_{name}": on_training.top5,
        f"max_class_share_{name}": on_training.max_class_share,
        f"effective_classes_{name}": on_training.effective_classes,
        f"loss_first_{name}": first,
        f"loss_last_{name}": last,
        f"broken_{name}": float(replay.broken),
    }
    if len(scored.rows_N):
        held_out = replay.scores(scored)
        values |= {f"top1_{name}": held_out.top1, f"top5_{name}": held_out.top5}
    return values
