"""Running the checks: first those that are quick and need no network, then the others."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from edgeft_core.config import RunConfig
from edgeft_core.diagnostics.case import Finding
from edgeft_core.errors import EdgeFTError
from edgeft_core.preflight import DATA_CHECKS, NAME_CHECKS, SETTINGS_CHECKS
from edgeft_core.preflight.report import Passed, PreflightReport, worst_first
from edgeft_core.preflight.subject import Progress, Subject

log = logging.getLogger(__name__)

S = TypeVar("S")


def preflight(config: RunConfig, cache: Path, progress: Progress | None = None) -> PreflightReport:
    """Check data, settings and network before any training.

    Args:
        cache: for decoded and drawn images, shared with runs.
        progress: told ``(what, done, total)``.

    Returns:
        What was found; also what cannot be had at all (no such folder, weights that do not fit) is a finding.
    """
    *_, whole = preflight_parts(config, cache, progress)
    return whole


def preflight_parts(
    config: RunConfig, cache: Path, progress: Progress | None = None
) -> Iterator[PreflightReport]:
    """The report so far, twice: without the checks that need the network (and torch), then whole."""
    tell = progress or _silent
    began = time.monotonic()
    notes = _Notes()
    subject = Subject.open(config, cache, tell)
    notes.run(NAME_CHECKS, subject, tell)
    if subject.dataset is None and not notes.blocked:
        notes.add(Finding("data.source", "blocking", subject.refusal))
    notes.run(SETTINGS_CHECKS, subject, tell)
    if subject.dataset is not None:
        notes.run(DATA_CHECKS, subject, tell)
    yield notes.report(subject, time.monotonic() - began, complete=subject.dataset is None)
    if subject.dataset is not None:
        _check_network(subject, notes, tell)
        yield notes.report(subject, time.monotonic() - began, complete=True)


def _check_network(subject: Subject, notes: _Notes, tell: Progress) -> None:
    tell("Loading the network", 0, 1)
    from edgeft_core.preflight.network_checks import NETWORK_CHECKS, NetworkSample, few_threads  # noqa: PLC0415

    with few_threads():
        notes.run(NETWORK_CHECKS, NetworkSample.build(subject), tell)


class _Notes:
    """What the checks said so far."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._passed: list[Passed] = []
        self._unchecked: list[str] = []

    @property
    def blocked(self) -> bool:
        return any(one.level == "blocking" for one in self._findings)

    def add(self, said: Finding | Passed) -> None:
        if isinstance(said, Finding):
            self._findings.append(said)
        else:
            self._passed.append(said)

    def run(
        self, checks: Mapping[str, Callable[[S], Iterator[Finding | Passed]]], what: S, tell: Progress
    ) -> None:
        """Run checks one after another; one that cannot run says so and the others go on."""
        for number, (title, check) in enumerate(checks.items()):
            tell(title, number, len(checks))
            try:
                for said in check(what):
                    self.add(said)
            except EdgeFTError as error:
                self._unchecked.append(f"{title}: {error}")
            except Exception as error:  # a check that breaks must not keep anybody from training
                log.exception("the check %r broke", title)
                self._unchecked.append(f"{title}: {type(error).__name__}: {error}")

    def report(self, subject: Subject, took_s: float, *, complete: bool) -> PreflightReport:
        return PreflightReport(
            findings=worst_first(self._findings),
            passed=tuple(self._passed),
            sampled=tuple(subject.sampled),
            unchecked=tuple(self._unchecked),
            took_s=took_s,
            complete=complete,
        )


def _silent(what: str, done: int, total: int) -> None:
    """Nobody wants to know."""
