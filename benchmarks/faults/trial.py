"""One fault on one data set with one seed: checks before training, the run, probes, and the fix that is offered."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.faults.fault import Fault, Situation
from benchmarks.faults.ground import Ground
from benchmarks.faults.running import HARMLESS, Ran, Script, Watched, ranked, run
from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.diagnostics.case import Case, Finding, ProbeResult
from edgeft_core.diagnostics.causes.cause import Cause
from edgeft_core.diagnostics.causes.symptoms import is_learning_well
from edgeft_core.diagnostics.diagnosis import diagnose
from edgeft_core.diagnostics.probes import PROBES, ProbeContext
from edgeft_core.errors import ConfigError
from edgeft_core.preflight.checking import preflight

LIKELY = 0.5
"""Confidence from which on a cause is told as an answer."""

AFTER_FIX = 150
"""Steps that a live fix gets to show what it does."""

Row = dict[str, Any]


def trial(fault: Fault, ground: Ground, work: Path) -> Row:
    """Everything that is said about one run, as plain data."""
    shutil.rmtree(work, ignore_errors=True)
    situation = fault.inject(ground)
    with situation.tampering():
        findings, preflight_s = _checked(situation.config, ground)
        ran = run(situation.config, work / "run", ground.cache, Script(situation.steps), findings)
        probes, probes_s = _probed(situation.config, work / "run", ground)
    case = replace(ran.informed.observer.case(), probes=probes)
    row: Row = {
        "name": fault.name,
        "group": fault.group,
        "data": ground.kind,
        "seed": ground.seed,
        "right": list(fault.right),
        "steps": ran.steps,
        "error": ran.error[:300],
        "findings": [[one.check, one.level, one.cause] for one in findings if one.level != "info"],
        "run": _told(ran.plain),
        "with_preflight": _told(ran.informed),
        "with_probes": ranked(case),
        "probes": {name: _numbers(one) for name, one in probes.items()},
        "scores": _scores(case),
        "preflight_s": preflight_s,
        "train_s": ran.took_s,
        "probes_s": probes_s,
    }
    if fault.group == "fault":
        row["fix"] = _fixed(fault, ground, situation, case, ran, work / "fix")
    shutil.rmtree(work, ignore_errors=True)
    return row


def _checked(config: RunConfig, ground: Ground) -> tuple[tuple[Finding, ...], float]:
    began = time.process_time()
    report = preflight(config, ground.cache)
    return report.findings, round(time.process_time() - began, 2)


def _probed(config: RunConfig, folder: Path, ground: Ground) -> tuple[dict[str, ProbeResult], float]:
    """As :mod:`edgeft_core.jobs.probing` does it, without a process and a catalog."""
    began, results = time.process_time(), {}
    try:
        context = ProbeContext.open(config, folder=folder, cache=ground.cache, tell=_silent)
    except Exception as error:  # nothing can be tried, and each probe says so
        return {name: ProbeResult(name, error=str(error)) for name in PROBES}, 0.0
    for name, probe in PROBES.items():
        try:
            results[name] = replace(probe(context, _silent), step=context.step)
        except Exception as error:  # the others go on
            results[name] = ProbeResult(name, error=f"{type(error).__name__}: {error}")
    return results, round(time.process_time() - began, 2)


def _told(watched: Watched) -> Row:
    """What one observer said, at the first alarm and at the end."""
    return {
        "alarm": watched.alarm,
        "alarm_step": watched.alarm_step,
        "alarm_s": watched.alarm_s,
        "alarm_causes": watched.alarm_causes,
        "verdicts": watched.heard,
        "end": watched.observer.verdict.status,
        "end_causes": ranked(watched.observer.case()),
    }


def _fixed(
    fault: Fault, ground: Ground, situation: Situation, case: Case, ran: Ran, work: Path
) -> Row:
    """Do what the likeliest cause says, and look again with the same rules."""
    first = next((one for one in diagnose(case).causes if one.id != "early"), None)
    if first is None or first.confidence < LIKELY:
        return {"kind": "none", "recovered": False}
    changes = {**first.fix.live, **first.fix.restart}
    try:
        if not changes:
            return _by_hand(fault, ground, first, work)
        if first.fix.rewind or first.fix.restart:
            return _again(ground, situation, first, changes, work)
        return _live(ground, situation, first, ran, work)
    except ConfigError as error:
        return {"kind": "refused", "cause": first.id, "changes": changes, "recovered": False, "why": str(error)}


def _by_hand(fault: Fault, ground: Ground, cause: Cause, work: Path) -> Row:
    """Files or code have to be mended; that is only done where the right cause says so."""
    if fault.mend is None or cause.id not in fault.right:
        return {"kind": "by hand", "cause": cause.id, "recovered": False}
    mended = fault.mend(ground)
    with mended.tampering():
        ran = run(mended.config, work, ground.cache, Script(mended.steps))
    return {"kind": "by hand", "cause": cause.id, **_recovery(ran, cause)}


def _again(
    ground: Ground, situation: Situation, cause: Cause, changes: Mapping[str, Any], work: Path
) -> Row:
    """A new run with the changes: the deterministic runs of the suite start from before the trouble."""
    with situation.tampering():
        config = with_values(situation.config, changes)
        ran = run(config, work, ground.cache, Script(situation.steps))
    return {"kind": "restart", "cause": cause.id, "changes": dict(changes), **_recovery(ran, cause)}


def _live(ground: Ground, situation: Situation, cause: Cause, ran: Ran, work: Path) -> Row:
    """The same run, with the changes from the step of the verdict on."""
    at = ran.plain.alarm_step or ran.steps
    script = Script(max(situation.steps, at + AFTER_FIX), cause.fix.live, at)
    with situation.tampering():
        again = run(situation.config, work, ground.cache, script)
    return {"kind": "live", "cause": cause.id, "changes": dict(cause.fix.live), "at": at} | _recovery(again, cause)


def _recovery(ran: Ran, cause: Cause) -> Row:
    """Recovered: no alarm at the end, people are recognised, and the cause is not named any more."""
    case, status = ran.plain.observer.case(), ran.plain.observer.verdict.status
    named = dict(ranked(case)).get(cause.id, 0.0)
    well = is_learning_well(case)
    return {
        "end": status,
        "scores": _scores(case),
        "still_named": named,
        "recovered": status in HARMLESS and well and named < LIKELY,
    }


def _scores(case: Case) -> Mapping[str, float]:
    names = (
        *("top1_running", "top5_running", "max_class_share", "effective_classes", "cos_different"),
        *("val_top1", "val_top5", "val_d_prime"),
    )
    return {name: round(case.signals[name], 4) for name in names if name in case.signals}


def _numbers(result: ProbeResult) -> Row:
    kept = {name: float(f"{value:.4g}") for name, value in result.values.items()}
    return {"error": result.error} if result.error else kept


def _silent(what: str, done: int, total: int) -> None:
    """Nobody waits."""
