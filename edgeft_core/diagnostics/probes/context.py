"""What probes look at: a run's own data, its last checkpoint, and embeddings of a balanced part of the images."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from edgeft_core.config import RunConfig
from edgeft_core.data.images import IntArray
from edgeft_core.data.listing import SplitName
from edgeft_core.diagnostics.probes.faces import PlainFaces, embed, images_of, spread_evenly
from edgeft_core.engine import checkpoint_file
from edgeft_core.engine.checkpoints import restore_session
from edgeft_core.engine.embedding_store import cache_key
from edgeft_core.engine.feeds import embedding_facts
from edgeft_core.engine.kept import path_of
from edgeft_core.engine.newest import last_checkpoint
from edgeft_core.engine.preparation import prepare
from edgeft_core.engine.session import Session
from edgeft_core.errors import DataError, WeightsError
from edgeft_core.events import Progress

Tell = Callable[[str, int, int], None]

LEARNED_AT_MOST = 1040
"""Training images embedded where no cached embeddings are found: two of each of 518 people."""

SCORED_AT_MOST = 520
"""Validation images, two each of as many people as that is enough for. Together with the training images they take
about four seconds on one core."""

CACHED_AT_MOST = 2000
"""Of embeddings that are there already: more would only make the head replays longer."""

PEOPLE, IMAGES_EACH = 32, 3
"""The small sample that is embedded again and again, 96 images."""


@dataclass(frozen=True)
class EarlierWeights:
    """Weights from before the last checkpoint: parameters of the backbone, and ``weight`` of the head."""

    step: int
    backbone: Mapping[str, Tensor]
    head: Mapping[str, Tensor]


@dataclass(frozen=True)
class LabelledEmbeddings:
    """Embeddings (not normalised) of some images.

    Attributes:
        cached: whether they were read from disk instead of computed.
    """

    rows_N: IntArray
    emb_ND: Tensor
    labels_N: Tensor
    cached: bool = False


class ProbeContext:
    """One run at its last checkpoint, opened read-only: nothing that is done here reaches the run.

    Everything is computed on the CPU: the device may be busy with the run itself.

    Attributes:
        session: the engine's parts, with the checkpoint's weights where there is one.
        started_from: backbone and class weights from before the first step.
    """

    def __init__(self, session: Session, started_from: tuple[nn.Module, Tensor], tell: Tell) -> None:
        self.session = session
        self.started_from = started_from
        self._tell = tell

    @staticmethod
    def open(config: RunConfig, *, folder: Path, cache: Path, tell: Tell) -> ProbeContext:
        """Open a run.

        Args:
            config: the settings in force.
            folder: the run's folder; its last checkpoint is read if there is one.

        Raises:
            EdgeFTError: data, weights or checkpoint cannot be read.
        """
        config = config.model_copy(update={"device": "cpu", "threads": 0})
        try:
            session = _prepared(config, folder, cache, tell)
        except WeightsError as error:
            if not error.report:
                raise
            partly = config.backbone.model_copy(update={"allow_partial": True})
            session = _prepared(config.model_copy(update={"backbone": partly}), folder, cache, tell)
        content = last_checkpoint(folder)
        first_backbone: nn.Module = session.embedder.backbone
        if content is not None and content["backbone"] is not None:
            first_backbone = copy.deepcopy(first_backbone)
        started_from = first_backbone.eval(), session.head.weight.detach().clone()
        if content is not None:
            restore_session(session, content)
        session.embedder.train_mode(False)
        return ProbeContext(session, started_from, tell)

    @property
    def step(self) -> int:
        """Step of the weights that are looked at, 0 for those from before training."""
        return self.session.position.step

    @property
    def config(self) -> RunConfig:
        """The settings in force."""
        return self.session.live.config

    @property
    def stage(self) -> int:
        return min(self.session.position.stage, len(self.config.stages) - 1)

    @property
    def n_classes(self) -> int:
        return self.session.dataset.n_classes

    @property
    def network(self) -> nn.Module:
        """The backbone at the checkpoint."""
        return self.session.embedder.backbone

    @cached_property
    def start(self) -> EarlierWeights:
        """The weights from before the first step."""
        backbone, weight_CD = self.started_from
        return EarlierWeights(
            0, {name: one.detach() for name, one in backbone.named_parameters()}, {"weight": weight_CD}
        )

    @cached_property
    def earlier(self) -> EarlierWeights:
        """The best checkpoint if it is older than the last one, else the start."""
        best = path_of(self.session.folder, "best")
        try:
            content = checkpoint_file.read(best) if best.exists() else None
        except WeightsError:
            content = None
        if content is None or int(content["position"]["step"]) >= self.step:
            return self.start
        saved, start = content["backbone"], self.start.backbone
        kept = start if saved is None else {name: saved[name] for name in start}
        return EarlierWeights(int(content["position"]["step"]), kept, {"weight": content["head"]["weight"]})

    @cached_property
    def faces(self) -> PlainFaces:
        return PlainFaces(self.session.dataset, self.config.data, self.config.seed)

    @cached_property
    def sample_rows_N(self) -> IntArray:
        """A few training images each of a few people.

        Raises:
            DataError: nobody has two images.
        """
        people = self._people(2)
        if len(people) < 2:
            raise DataError("Fewer than two identities have two training images each: nothing to compare.")
        rows_N = self.session.train_rows_N
        return images_of(rows_N, self._labels(rows_N), spread_evenly(people, PEOPLE), IMAGES_EACH)

    @cached_property
    def sample_images(self) -> tuple[Tensor, Tensor]:
        """Those images (0..1) and their labels."""
        rows_N = self.sample_rows_N
        return self.faces(rows_N), torch.from_numpy(self._labels(rows_N))

    @cached_property
    def learned(self) -> LabelledEmbeddings:
        """Training images, balanced over identities: cached embeddings where they fit the weights, else new ones."""
        people = spread_evenly(self._people(1), LEARNED_AT_MOST // 2)
        rows_N = self.session.train_rows_N
        kept_ND = self._kept_view()
        limit = CACHED_AT_MOST if kept_ND is not None else LEARNED_AT_MOST
        chosen = images_of(rows_N, self._labels(rows_N), people, max(2, limit // len(people)))
        if kept_ND is None:
            return self._embedded(chosen, "Embedding training images")
        places = np.searchsorted(rows_N, chosen)  # the split's indices are sorted
        return LabelledEmbeddings(
            chosen, kept_ND[places], torch.from_numpy(self._labels(chosen)), cached=True
        )

    @cached_property
    def scored(self) -> LabelledEmbeddings:
        """Validation images of some of the same people, two each if there are; empty where there are none."""
        rows_N = self.session.dataset.splits["validation"]
        labels_N = self._labels(rows_N)
        people = np.intersect1d(labels_N, self._labels(self.learned.rows_N))
        chosen = spread_evenly(people, SCORED_AT_MOST // 2)
        per_person = max(2, SCORED_AT_MOST // max(1, len(chosen)))
        return self._embedded(images_of(rows_N, labels_N, chosen, per_person), "Embedding validation images")

    def _people(self, least: int, split: SplitName = "train") -> IntArray:
        """Labels with at least so many images in a split."""
        return np.flatnonzero(self.session.dataset.label_counts(split) >= least)

    def _labels(self, rows_N: IntArray) -> IntArray:
        labels: IntArray = self.session.dataset.labels_N[rows_N]
        return labels

    def _kept_view(self) -> Tensor | None:
        """The plain view of all training images, if the run's frozen stage left it on disk for these weights."""
        session = self.session
        facts = {**embedding_facts(session), "view": 0}
        for index, stage in enumerate(session.config.stages):
            if stage.train_backbone or not stage.cached_views:
                continue
            kept = session.store.load(cache_key({**facts, "layout": session.first_epoch(index)}))
            if kept is not None and len(kept["emb_ND"]) == len(session.train_rows_N):
                return kept["emb_ND"]
        return None

    def _embedded(self, rows_N: IntArray, what: str) -> LabelledEmbeddings:
        parts = []
        for start in range(0, len(rows_N), 128):
            part = rows_N[start : start + 128]
            parts.append(embed(self.network, self.faces(part), self.config.data.normalisation))
            self._tell(what, start + len(part), len(rows_N))
        emb_ND = torch.cat(parts) if parts else torch.empty(0, self.config.backbone.embedding_dim)
        return LabelledEmbeddings(rows_N, emb_ND, torch.from_numpy(self._labels(rows_N)))


def _prepared(config: RunConfig, folder: Path, cache: Path, tell: Tell) -> Session:
    events = prepare(config, folder=folder, cache=cache)
    while True:
        try:
            event = next(events)
        except StopIteration as done:
            session: Session = done.value
            return session
        if isinstance(event, Progress):
            tell(event.what, event.done, event.total)
