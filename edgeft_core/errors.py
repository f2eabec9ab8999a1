"""Every error that EdgeFT raises on purpose: one tree, each message says what is wrong and how to mend it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class EdgeFTError(Exception):
    """Base of all errors that are meant for the user's eyes."""


class RequestError(EdgeFTError):
    """The request itself was wrong (command line exit code 2)."""


class ConfigError(RequestError):
    """Settings are out of bounds, misspelt or contradict each other; lists all of them at once."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


class DataError(RequestError):
    """The images cannot be trained on: no such folder, one identity, too many unreadable files."""


class WeightsError(RequestError):
    """A weight file does not fit the network; the message lists what differs, by module.

    Attributes:
        report: the full account as plain data (``WeightsReport.as_dict()``); empty where no file was read.
    """

    def __init__(self, message: str, report: Mapping[str, Any] | None = None) -> None:
        self.report: Mapping[str, Any] = report or {}
        super().__init__(message)


class HomeError(RequestError):
    """The home folder cannot be used: read-only, full, or not a folder."""


class LockedError(HomeError):
    """Another program holds the file; it may be over in a moment."""


class DamagedError(HomeError):
    """The file is not, or no longer, what it should be."""


class AccessError(RequestError):
    """Whoever asks may not do that, or may not name that folder."""


class UnknownRunError(RequestError):
    """No run of that id or name is in the catalog."""


class TransitionError(RequestError):
    """The run is not in a state in which that can be done."""


class TrainingError(EdgeFTError):
    """The run failed (command line exit code 1)."""


class NonFiniteError(TrainingError):
    """NaN or Inf appeared; the optimiser step was not taken."""


class OutOfMemoryError(TrainingError):
    """The device ran out of memory; the message says which batch size would fit."""


class DeviceLostError(TrainingError):
    """The device that trains stopped answering."""


class DiskFullError(TrainingError):
    """No space is left where the run writes; what was written stays readable."""
