"""Embeddings that a run left behind for the labs."""

from __future__ import annotations

from edgeft_core.events import EmbeddingsTaken, SampleSet
from edgeft_core.queries.opened import catalog_of
from edgeft_core.settings import Home
from edgeft_core.store.embeddings import read_embeddings


def embeddings(home: Home, run_id: str, split: SampleSet) -> EmbeddingsTaken | None:
    """The newest ones of a set; None where the run keeps none (yet).

    Raises:
        UnknownRunError: there is no such run.
        HomeError: they are damaged.
    """
    return read_embeddings(home.run_folder(catalog_of(home).run(run_id).id), split)
