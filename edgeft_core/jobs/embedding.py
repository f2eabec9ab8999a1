"""Embedding for a lab beside a page. Loads without torch."""

from __future__ import annotations

from dataclasses import dataclass

from edgeft_core import access
from edgeft_core.config import RunConfig
from edgeft_core.errors import HomeError
from edgeft_core.events import EmbeddingsTaken, SampleSet
from edgeft_core.jobs.beside import SideProcess
from edgeft_core.jobs.paths import require_paths
from edgeft_core.labs.embedding import Weights, place_of
from edgeft_core.settings import Home
from edgeft_core.store.embeddings import read_embeddings


@dataclass(frozen=True)
class EmbeddingProgress:
    """How far it is; ``error`` says why it could not be done."""

    running: bool = True
    what: str = "Starting"
    done: int = 0
    total: int = 1
    error: str = ""


class EmbeddingProcess:
    """Embedding that was started; it ends with whoever started it."""

    def __init__(self, beside: SideProcess) -> None:
        self._beside = beside
        self._progress = EmbeddingProgress()
        self._error = ""

    @classmethod
    def start(cls, home: Home, config: RunConfig, run_id: str = "") -> EmbeddingProcess:
        """Start it for a run's last checkpoint, or for data and weights where no run is named.

        Raises:
            AccessError: the visitor may only look, or not name these files.
            HomeError: the home folder cannot be written.
        """
        access.require_control()
        if not run_id:
            require_paths(config)
        options = ["--run", str(home.run_folder(run_id))] if run_id else []
        return cls(
            SideProcess.start(home, "edgeft_core.labs.embedding", config, folder="labs", options=options)
        )

    def poll(self) -> EmbeddingProgress:
        """How far it is now."""
        for said in self._beside.poll():
            if "progress" in said:
                self._progress = EmbeddingProgress(**said["progress"])
            elif "error" in said:
                self._error = said["error"]
        if self._progress.running and not self._beside.running:
            error = self._error or ("" if self._beside.code == 0 else self._ended_early())
            self._progress = EmbeddingProgress(running=False, error=error)
        return self._progress

    def stop(self) -> None:
        """End it."""
        self._beside.stop()
        self._progress = EmbeddingProgress(running=False)

    def _ended_early(self) -> str:
        return f"Embedding ended early (exit code {self._beside.code}). {self._beside.last_words}".strip()


def embedded(
    home: Home, config: RunConfig, split: SampleSet, *, run_id: str = "", weights: Weights = "head"
) -> EmbeddingsTaken | None:
    """What such a process left earlier for the same weights and data; None where there is nothing."""
    folder = home.run_folder(run_id) if run_id else None
    try:
        return read_embeddings(place_of(home.cache, config, folder) / weights, split)
    except HomeError:  # a cache: what is damaged is made again
        return None
