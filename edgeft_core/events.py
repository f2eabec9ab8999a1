"""What the engine tells the world: frozen events, yielded in order, that know neither store nor screen.

Arrays are numpy (never torch), so that the recorder and the tests need no torch to read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from edgeft_core.config import StageConfig

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float32]

SampleSet = Literal["train", "validation", "test"]

CheckpointKind = Literal["first", "best", "last", "manual", "ring", "verdict", "command"]
"""Why a checkpoint was saved: before the first step, best validation, after an epoch or at the end, asked for, every
so many steps, a new verdict, before a live change."""


@dataclass(frozen=True)
class RunPrepared:
    """Data and network are ready; nothing is trained yet.

    Attributes:
        class_names: name of each label, sorted; its position is the label.
        split_images: images per split, e.g. ``{"train": 4144, "validation": 1036, "test": 1036}``.
        label_counts_C: training images per class.
        device: the device in use, in words ("cpu (2 threads)", "cuda:0 NVIDIA ...").
        parameters: trainable numbers, ``{"backbone": ..., "head": ...}``.
        weights: accounting of the weight file as plain data (``WeightsReport.as_dict()``).
        warnings: sentences that stay with the run for good.
    """

    class_names: tuple[str, ...]
    split_images: Mapping[str, int]
    label_counts_C: IntArray
    steps_total: int
    steps_per_epoch: int
    device: str
    parameters: Mapping[str, int]
    weights: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progress:
    """Long work that is not a step: drawing, embedding, validating."""

    what: str
    done: int
    total: int


@dataclass(frozen=True)
class StageStarted:
    stage: int
    name: str
    step: int
    epochs: int
    steps_per_epoch: int
    cached: bool
    trainable: Mapping[str, int]


@dataclass(frozen=True)
class FirstBatch:
    """The first batch as the original debug output showed it, before any optimiser step."""

    embedding_mean: float
    embedding_std: float
    logit_mean: float
    logit_std: float
    predicted: tuple[int, ...]
    true: tuple[int, ...]


@dataclass(frozen=True)
class BatchDone:
    """One optimiser step.

    Attributes:
        step: 1-based, counts over all stages.
        epoch: 0-based position within the stage, fractional (2.5 = half of the third epoch).
        scalars: signal name -> value; names are the keys of ``diagnostics.catalogue.SIGNALS``.
        predicted_B: predicted class of every image of the batch, margin off.
        labels_B: true class of every image of the batch.
    """

    step: int
    stage: int
    epoch: float
    scalars: Mapping[str, float]
    predicted_B: IntArray
    labels_B: IntArray


@dataclass(frozen=True)
class SignalsMeasured:
    """Signals that are not of every batch: heavy ones, validation (``val_*``), test (``test_*``)."""

    step: int
    scalars: Mapping[str, float]


@dataclass(frozen=True)
class SamplesTaken:
    """Predictions beside the truth for a bounded set of images (K = top-k kept, 5).

    Attributes:
        items_N: ``FaceDataset.item_id`` of each image.
        labels_N: true class.
        top_NK: the K most probable classes, best first.
        probs_NK: their softmax probabilities (margin off, scale and temperature in force).
    """

    split: SampleSet
    step: int
    items_N: tuple[str, ...]
    labels_N: IntArray
    top_NK: IntArray
    probs_NK: FloatArray


@dataclass(frozen=True)
class EmbeddingsTaken:
    """Embeddings of a bounded set of images and the class weights that they are compared with.

    Attributes:
        step: the class weights are those after this step.
        total: images that the set holds; ``len(labels_N)`` of them were taken.
        labels_N: true class.
        z_ND: L2-normalised embeddings, not centred.
        w_CD: L2-normalised class weights.
        mean_D: the head's running mean embedding, which centring would subtract.
    """

    split: SampleSet
    step: int
    total: int
    labels_N: IntArray
    z_ND: FloatArray
    w_CD: FloatArray
    mean_D: FloatArray


@dataclass(frozen=True)
class ControlHandled:
    """A live command took effect before ``step``, or was refused and why.

    Attributes:
        previous: the value before, of every setting that it changed.
        changes: what a rewind changed the settings to; they are those of its checkpoint.
    """

    command_id: int
    step: int
    outcome: Literal["applied", "refused"]
    reason: str = ""
    previous: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PlanChanged:
    """How much is to be done, and with what, changed after ``step``.

    Attributes:
        stages: all stages as they are in force.
    """

    step: int
    steps_total: int
    stages: tuple[StageConfig, ...]


@dataclass(frozen=True)
class PauseChanged:
    step: int
    paused: bool


@dataclass(frozen=True)
class CheckpointAhead:
    """A checkpoint is made next: who records can begin to make durable what was told so far."""

    step: int


@dataclass(frozen=True)
class CheckpointReady:
    """A checkpoint lies beside its place and gets its name next: what was told before ``CheckpointAhead`` is to be
    durable now, for who goes on from it does not tell it again."""

    step: int


@dataclass(frozen=True)
class CheckpointSaved:
    """A complete checkpoint lies on disk (written beside, synced, renamed)."""

    step: int
    kind: CheckpointKind
    path: str
    sha256: str
    size_bytes: int
    scalars: Mapping[str, float]


@dataclass(frozen=True)
class CheckpointsDropped:
    """Files that made room for newer ones, or that the run was taken back to before; paths below its folder."""

    step: int
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Rewound:
    """The run was taken back from ``from_step`` to the checkpoint of ``step``; what lay between is no part of it."""

    step: int
    from_step: int


@dataclass(frozen=True)
class Notice:
    """A sentence for the run's log and history."""

    level: Literal["info", "warning", "error"]
    step: int
    text: str


@dataclass(frozen=True)
class StageEnded:
    stage: int
    step: int
    reason: Literal["complete", "early_stop"]


@dataclass(frozen=True)
class RunEnded:
    step: int
    reason: Literal["finished", "stopped"]
    scalars: Mapping[str, float]


@dataclass(frozen=True)
class SweepPlanned:
    """A sweep's heads and the moments at which all of them will be measured.

    Attributes:
        heads: the settings in which each head differs, by dotted key.
        step_F: steps of a head after which it is measured; the first is 0, the last the end.
        epoch_F: the same in epochs.
    """

    heads: tuple[Mapping[str, Any], ...]
    step_F: tuple[int, ...]
    epoch_F: tuple[float, ...]


@dataclass(frozen=True)
class SweepMeasured:
    """Some heads of a sweep at one moment.

    Attributes:
        step: steps that each of these heads has done.
        first_head: place of the first of them among all heads.
        values: name of the measure -> one value per head.
    """

    step: int
    first_head: int
    values: Mapping[str, FloatArray]


@dataclass(frozen=True)
class SweepAdvanced:
    """How far a sweep is; ``step`` counts over blocks of heads that do not fit into memory together."""

    step: int
    epoch: float
    images_per_s: float


Event = (
    RunPrepared
    | Progress
    | StageStarted
    | FirstBatch
    | BatchDone
    | SignalsMeasured
    | SamplesTaken
    | EmbeddingsTaken
    | ControlHandled
    | PlanChanged
    | PauseChanged
    | CheckpointAhead
    | CheckpointReady
    | CheckpointSaved
    | CheckpointsDropped
    | Rewound
    | Notice
    | StageEnded
    | RunEnded
    | SweepPlanned
    | SweepMeasured
    | SweepAdvanced
)


CommandKind = Literal["set", "pause", "resume", "stop", "checkpoint", "rewind"]


@dataclass(frozen=True)
class ControlRequest:
    """One live command as the engine sees it; several changes of one request take effect in the same step.

    Attributes:
        options: what else the request says, where it says it: ``over_steps`` (the changes come gradually),
            ``undoes`` (id of the command whose changes are taken back), ``to_step`` (of the checkpoint to go back to),
            ``mark`` (why a checkpoint is asked for), ``at_step`` (not before this step, and after the requests
            that came with one before it) and ``again`` (it took effect before and has its answer; another worker made
            the change).
    """

    command_id: int
    kind: CommandKind
    changes: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def over_steps(self) -> int:
        """Steps over which the changes come; 0 for at once."""
        return int(self.options.get("over_steps") or 0)

    @property
    def at_step(self) -> int:
        """The step before which it is to be handled; 0 for as soon as possible."""
        return int(self.options.get("at_step") or 0)

    @property
    def again(self) -> bool:
        """Whether it was done and answered before."""
        return bool(self.options.get("again"))


@dataclass(frozen=True)
class TakenBack:
    """A rewind that took effect: the step that it went back to, and the commands that it took back."""

    command_id: int
    to_step: int
    commands: frozenset[int]


@dataclass(frozen=True)
class Past:
    """What the journal tells of a run that is taken up again; a checkpoint that tells otherwise is none of its states.

    Attributes:
        refused: commands that nobody was left to answer; the worker that died may have obeyed them.
    """

    rewinds: tuple[TakenBack, ...] = ()
    refused: frozenset[int] = frozenset()
