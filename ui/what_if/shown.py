"""What the page shows, wherever it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeft_core.config import RunConfig
from edgeft_core.events import EmbeddingsTaken
from edgeft_core.store.contract import RunRecord


@dataclass(frozen=True)
class Shown:
    """Embeddings and what they belong to.

    Attributes:
        config: the settings in force; a run that starts from here has them.
        n_classes: as many as the source says that there are; 0 where it does not say.
        where: what is looked at, in words that stand behind "Looking at".
        record: the run, None where there is none.
    """

    taken: EmbeddingsTaken
    config: RunConfig
    names: Sequence[str]
    n_classes: int
    where: str
    record: RunRecord | None = None
