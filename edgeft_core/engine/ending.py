"""The test at the end of a run."""

from __future__ import annotations

from collections.abc import Generator

from edgeft_core.engine import checkpoint_file
from edgeft_core.engine.checkpoints import restore_network
from edgeft_core.engine.examination import embed_split, score
from edgeft_core.engine.kept import path_of
from edgeft_core.engine.session import Session
from edgeft_core.errors import WeightsError
from edgeft_core.events import Event, Notice, SignalsMeasured

IMAGES_AT_MOST = 100_000


def final_test(session: Session) -> Generator[Event, None, dict[str, float]]:
    """Score the test split once, with the weights of the best validation; returns the ``test_*`` signals."""
    session.embedder.train_mode(False)
    best, now = path_of(session.folder, "best"), session.position.step
    try:
        if best.exists():
            content = checkpoint_file.read(best)
            restore_network(session, content)
            step = content["position"]["step"]
            yield Notice("info", now, f"The test uses the best weights, those of step {step}.")
    except WeightsError as error:
        yield Notice("warning", now, f"The test uses the latest weights, not the best ones: {error}")
    embedded = yield from embed_split(session, "test", IMAGES_AT_MOST)
    scores = score(session, "test", embedded)
    if scores.samples is None:
        yield Notice(
            "info", session.position.step, "There are no test images, so nothing is tested at the end."
        )
        return {}
    yield SignalsMeasured(session.position.step, scores.scalars)
    yield scores.samples
    return scores.scalars
