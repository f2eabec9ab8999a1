"""Embeddings before any training: how alike, what they know, and what a head that is still random makes of them."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from benchmarks.case_study.grid import Study
from edgeft_core.config import RunConfig
from edgeft_core.diagnostics.probes import nearest_class_mean
from edgeft_core.diagnostics.probes.context import ProbeContext
from edgeft_core.engine.examination import embed_split, score
from edgeft_core.engine.preparation import prepare
from edgeft_core.events import Event

Result = TypeVar("Result")

LOOKED_AT = (
    "val_cos_same_image",
    "val_cos_same",
    "val_cos_different",
    "val_d_prime",
    "val_max_class_share",
    "val_effective_classes",
    "val_unique_classes",
)


def drained(work: Generator[Event, None, Result]) -> Result:
    """What a generator of events returns in the end."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: Result = done.value
            return result


def first_look(study: Study, config: RunConfig) -> dict[str, float]:
    """Validation images under the head as it was drawn: whatever a run has left in the folder is not looked at."""
    session = drained(prepare(config, folder=study.run_folder, cache=study.cache))
    session.embedder.train_mode(False)
    images = drained(embed_split(session, "validation", config.monitor.validation_images))
    scalars = score(session, "validation", images).scalars
    values = {name.removeprefix("val_"): scalars[name] for name in LOOKED_AT if name in scalars}
    values["images"] = len(images.rows_N)
    values["random_share"] = float(session.report.as_dict().get("random_share") or 0.0)
    return values | known(study, config)


def known(study: Study, config: RunConfig) -> dict[str, float]:
    """The app's probe: nearest class means of training images, as they are and with the mean removed."""
    context = ProbeContext.open(config, folder=study.run_folder, cache=study.cache, tell=lambda *_: None)
    values = nearest_class_mean.probe(context, lambda *_: None).values
    return {name: values[name] for name in ("ncm_top1", "ncm_top1_centred", "chance")}
