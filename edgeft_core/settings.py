"""Where things are: the home folder and what it holds."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from edgeft_core.errors import HomeError

REPOSITORY = Path(__file__).resolve().parent.parent
CHECKPOINTS = REPOSITORY / "checkpoints"
START_CHECKPOINT = "checkpoints/start.pt"
"""The checkpoint of another run that a fork sets out from, below its own folder."""
DEMO_WEIGHTS = CHECKPOINTS / "edgeface_xxs_synthetic.safetensors"


@dataclass(frozen=True)
class Home:
    """One folder that holds the catalog, the runs and the caches."""

    root: Path

    @property
    def catalog_url(self) -> str:
        """SQLAlchemy address of the catalog; ``EDGEFT_CATALOG_URL`` names another database."""
        path = str(self.root / "catalog.sqlite")
        # In an address "%" begins an escape and "?" the options; in a folder's name they are letters.
        escaped = path.replace("%", "%25").replace("?", "%3F")
        return os.environ.get("EDGEFT_CATALOG_URL") or f"sqlite:///{escaped}"

    @property
    def cache(self) -> Path:
        """Drawn images and embeddings; may be deleted at any time."""
        return self.root / "cache"

    @property
    def uploads(self) -> Path:
        """Data sets and weight files that came from the browser."""
        return self.root / "uploads"

    def run_folder(self, run_id: str) -> Path:
        """Everything that belongs to one run: config, log, metrics, checkpoints."""
        return self.root / "runs" / run_id

    def metrics_file(self, run_id: str) -> Path:
        return self.run_folder(run_id) / "metrics.sqlite"

    def sweep_file(self, run_id: str) -> Path:
        """What the heads of a sweep were measured at."""
        return self.run_folder(run_id) / "sweep.npz"

    def log_file(self, run_id: str) -> Path:
        return self.run_folder(run_id) / "worker.log"

    def ensure(self) -> Home:
        """Create the folder and prove that it can be written.

        Raises:
            HomeError: it is a file, read-only or on a full disk.
        """
        try:
            (self.root / "runs").mkdir(parents=True, exist_ok=True)
            self.cache.mkdir(exist_ok=True)
            probe = self.root / f".write-test-{os.getpid()}"
            probe.write_bytes(b"ok")
            probe.unlink()
        except OSError as error:
            raise HomeError(
                f"The home folder {self.root} cannot be written ({error.strerror or error}). "
                "Choose another with --home DIR or the environment variable EDGEFT_HOME."
            ) from error
        return self


def find_home(explicit: Path | str | None = None) -> Home:
    """The home folder: ``explicit``, else ``EDGEFT_HOME``, else the platform's user data folder."""
    default = platformdirs.user_data_path("edgeft", appauthor=False)
    chosen = explicit or os.environ.get("EDGEFT_HOME") or default
    return Home(Path(chosen).expanduser().resolve())
