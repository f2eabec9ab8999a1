"""One fault on one data set with one seed: checks before training, the run, probes, and the fix that is offered."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.faults.fault import Fault, Situation
from benchmarks.faults.ground import Ground, Kind
from benchmarks.faults.hearing import HARMLESS, Heard, hear, ranked
from benchmarks.faults.recording import Recording, Script, kept, record
from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.diagnostics.case import Case, Finding, ProbeResult
from edgeft_core.diagnostics.causes.cause import Cause
from edgeft_core.diagnostics.causes.symptoms import is_learning_well
from edgeft_core.diagnostics.diagnosis import diagnose
from edgeft_core.diagnostics.probes import PROBES, ProbeContext, head_replays
from edgeft_core.errors import ConfigError
from edgeft_core.preflight.checking import preflight

LIKELY = 0.5
"""Confidence from which on a cause is told as an answer."""

NOTED = 0.3
"""And from which on it is shown at once, as a possibility."""

AFTER_FIX = 150
"""Steps that a live fix gets to show what it does."""

REPLAY_CPU_S = 1.5
"""For the head replays, a third of what users wait for: the suite has hundreds of runs to ask."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """Everything that rules are asked about, and what it cost (seconds of processor time)."""

    findings: tuple[Finding, ...]
    recording: Recording
    probes: Mapping[str, ProbeResult]
    preflight_s: float
    probes_s: float


class Trial:
    """A fault on a ground. What was run before is taken from the ground's home.

    Args:
        thorough: whether to probe the run and to try the fix; both take twice as long as everything else together.
    """

    def __init__(self, fault: Fault, ground: Ground, work: Path, *, thorough: bool = True) -> None:
        self._fault = fault
        self._thorough = thorough
        self._ground = ground
        self._work = work
        self._situation = fault.inject(ground)
        self._records = record_of(ground.home, fault.name, ground.kind, ground.seed).parent

    def row(self) -> Row:
        """What is said about the run, as plain data."""
        seen = kept(self._records / "run.pkl", self._see)
        alone, informed = hear(seen.recording), hear(seen.recording, seen.findings)
        case = replace(informed.case, probes=seen.probes)
        row: Row = {
            "name": self._fault.name,
            "group": self._fault.group,
            "data": self._ground.kind,
            "seed": self._ground.seed,
            "right": list(self._fault.right),
            "steps": seen.recording.steps,
            "error": seen.recording.error[:300],
            "findings": [[one.check, one.level, one.cause] for one in seen.findings if one.level != "info"],
            "run": _told(alone),
            "with_preflight": _told(informed),
            "with_probes": ranked(case) if seen.probes else None,
            "scores": scores(case),
            "preflight_s": seen.preflight_s,
            "train_s": seen.recording.took_s,
            "probes_s": seen.probes_s,
        }
        if self._thorough and self._fault.group == "fault":
            row["fix"] = self._fix(case, alone, seen.recording)
        return row

    def _see(self) -> Seen:
        config, ground, folder = self._situation.config, self._ground, self._work / "run"
        shutil.rmtree(self._work, ignore_errors=True)
        with self._situation.tampering():
            began = time.process_time()
            findings = preflight(config, ground.cache).findings
            checked_s = time.process_time() - began
            recording = record(config, folder, ground.cache, Script(self._situation.steps))
            began = time.process_time()
            probes = probed(config, folder, ground.cache) if self._thorough else {}
            probed_s = time.process_time() - began
        shutil.rmtree(self._work, ignore_errors=True)
        return Seen(findings, recording, probes, round(checked_s, 2), round(probed_s, 2))

    def _fix(self, case: Case, alone: Heard, recording: Recording) -> Row:
        """Do what the likeliest cause says, and look again with the same rules."""
        first = next((one for one in diagnose(case).causes if one.id != "early"), None)
        if first is None or first.confidence < NOTED:
            return {"kind": "none", "recovered": False}
        changes = {**first.fix.live, **first.fix.restart}
        told: Row = {"cause": first.id, "changes": changes}
        try:
            if not changes:
                return {"kind": "by hand", **told, **self._by_hand(first)}
            if first.fix.rewind or first.fix.restart:
                return {"kind": "restart", **told, **self._again(first, changes)}
            at = alone.alarm_step or recording.steps
            return {"kind": "live", **told, "at": at, **self._live(first, at)}
        except ConfigError as error:
            return {"kind": "refused", **told, "recovered": False, "why": str(error)}

    def _by_hand(self, cause: Cause) -> Row:
        """Files or code have to be mended; that is only done where the right cause says so."""
        if self._fault.mend is None or cause.id not in self._fault.right:
            return {"recovered": False}
        return self._ran(self._fault.mend(self._ground), {"by hand": True}, cause)

    def _again(self, cause: Cause, changes: Mapping[str, Any]) -> Row:
        """A new run with the changes: from before the trouble, as after a rewind."""
        situation = replace(self._situation, config=with_values(self._situation.config, changes))
        return self._ran(situation, {"restart": changes}, cause)

    def _live(self, cause: Cause, at: int) -> Row:
        """The same run, with the changes from the step of the verdict on."""
        steps = max(self._situation.steps, at + AFTER_FIX)
        facts = {"live": cause.fix.live, "at": at}
        return self._ran(replace(self._situation, steps=steps), facts, cause, cause.fix.live, at)

    def _ran(
        self,
        situation: Situation,
        facts: Mapping[str, Any],
        cause: Cause,
        live: Mapping[str, Any] | None = None,
        at: int = 0,
    ) -> Row:
        def make() -> Recording:
            shutil.rmtree(self._work, ignore_errors=True)
            script = Script(situation.steps, live, at)
            with situation.tampering():
                made = record(situation.config, self._work / "run", self._ground.cache, script)
            shutil.rmtree(self._work, ignore_errors=True)
            return made

        digest = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:12]
        return _recovery(hear(kept(self._records / f"fix-{digest}.pkl", make)), cause)


def record_of(home: Path, name: str, kind: Kind, seed: int) -> Path:
    """Where a trial keeps its run."""
    return home / "records" / f"{name.replace('/', '-')}-{kind}-{seed}" / "run.pkl"


def probed(config: RunConfig, folder: Path, cache: Path) -> dict[str, ProbeResult]:
    """As :mod:`edgeft_core.jobs.probing` does it, without a process and a catalog."""
    try:
        context = ProbeContext.open(config, folder=folder, cache=cache, tell=_silent)
    except Exception as error:  # nothing can be tried, and each probe says so
        return {name: ProbeResult(name, error=str(error)) for name in PROBES}
    results = {}
    for name, probe in PROBES.items():
        try:
            with patch.object(head_replays, "BUDGET_CPU_S", REPLAY_CPU_S):
                results[name] = replace(probe(context, _silent), step=context.step)
        except Exception as error:  # the others go on
            results[name] = ProbeResult(name, error=f"{type(error).__name__}: {error}")
    return results


def scores(case: Case) -> Mapping[str, float]:
    """A few numbers of the end of a run, for whoever reads the rows."""
    names = (
        *("top1_running", "top5_running", "max_class_share", "effective_classes", "cos_different"),
        *("val_top1", "val_top5", "val_d_prime"),
    )
    return {name: round(case.signals[name], 4) for name in names if name in case.signals}


def _told(heard: Heard) -> Row:
    """What one observer said, at the first alarm and at the end."""
    return {
        "alarm": heard.alarm,
        "alarm_step": heard.alarm_step,
        "alarm_s": heard.alarm_s,
        "alarm_causes": heard.alarm_causes,
        "verdicts": heard.verdicts,
        "end": heard.status,
        "end_causes": ranked(heard.case),
    }


def _recovery(heard: Heard, cause: Cause) -> Row:
    """Recovered: no alarm at the end, people are recognised, and the cause is not named any more."""
    named = dict(ranked(heard.case)).get(cause.id, 0.0)
    recovered = heard.status in HARMLESS and is_learning_well(heard.case) and named < LIKELY
    return {"end": heard.status, "scores": scores(heard.case), "still_named": named, "recovered": recovered}


def _silent(what: str, done: int, total: int) -> None:
    """Nobody waits."""
