"""What is wrong with a run, from what it left behind: settings in force, series, facts, probes and findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgeft_core.diagnostics.case import Case, ProbeResult, Tail
from edgeft_core.diagnostics.diagnosis import Diagnosis, diagnose
from edgeft_core.diagnostics.kept import read_findings, read_probes
from edgeft_core.diagnostics.observer import BATCH_KEYS, SPARSE_KEYS, TAIL_LENGTH
from edgeft_core.diagnostics.status import Verdict
from edgeft_core.jobs.control import settings_now
from edgeft_core.proof.kept import read_proofs
from edgeft_core.proof.record import Proof
from edgeft_core.queries.numbers import finite
from edgeft_core.queries.opened import catalog_of, metrics_of
from edgeft_core.queries.status import verdict_of
from edgeft_core.settings import Home
from edgeft_core.store.contract import HistoryRecord, MetricsReader, RunRecord, SeriesView

TRAIL_POINTS = 128


def diagnose_run(home: Home, run_id: str) -> dict[str, Any]:
    """The object of ``diagnose --json``: verdict, ranked causes with evidence and fix, signals.

    Raises:
        UnknownRunError: no such run.
    """
    case = case_of(home, run_id)
    found = diagnosis_of(case).as_dict()
    proofs = read_proofs(home.run_folder(case.run))
    return found | {
        "causes": [cause | {"proof": _proof(proofs.get(cause["id"]))} for cause in found["causes"]],
        "proofs": [one.as_dict() for one in proofs.values()],
        "signals": {name: finite(value) for name, value in found["signals"].items()},
        "probes": [one.as_dict() for one in case.probes.values()],
        "findings": [one.as_dict() for one in case.findings],
        "error": case.error or None,
    }


def _proof(proof: Proof | None) -> dict[str, Any] | None:
    """What came of trying a cause's fix; None where it was not tried."""
    if proof is None:
        return None
    return {"outcome": proof.outcome, "sentence": proof.sentence, "step": proof.run_step, "at": proof.at}


def diagnosis_of(case: Case) -> Diagnosis:
    """Verdict and causes of a case."""
    return diagnose(case)


def case_of(home: Home, run_id: str) -> Case:
    """Gather all that is known about a run. Raises UnknownRunError."""
    catalog = catalog_of(home)
    run = catalog.run(run_id)
    stage, stage_step = _stage(run, catalog.history(run.id, limit=100_000))
    folder = home.run_folder(run.id)
    with metrics_of(home, run.id) as reader:
        facts = reader.facts()
        predicted_C, labels_C, _ = reader.window_counts(run.config.monitor.window_images)
        return Case(
            run=run.id,
            config=settings_now(catalog, run),
            n_classes=reader.n_classes() or int(run.summary.get("n_classes") or 0),
            step=max(reader.last_step(), int(run.summary.get("step") or 0)),
            stage=stage,
            stage_step=stage_step,
            steps_per_epoch=int(facts.get("steps_per_epoch") or 0),
            steps_total=int(facts.get("steps_total") or 0),
            weights=facts.get("weights") or run.summary.get("weights") or {},
            label_counts=tuple(facts.get("label_counts") or ()),
            split_images=facts.get("split_images") or {},
            first_batch=facts.get("first_batch") or {},
            first=_first(reader),
            signals=reader.latest(),
            tails={name: one for name in BATCH_KEYS if (one := _tail(reader, name)).values},
            trails={
                name: one for name in (*BATCH_KEYS, *SPARSE_KEYS) if (one := _trail(reader, name)).values
            },
            window_predicted=tuple(predicted_C.tolist()),
            window_labels=tuple(labels_C.tolist()),
            verdict=verdict_of(run) or Verdict(),
            probes=probes_of(home, run.id),
            findings=read_findings(folder),
            error=run.error,
        )


def probes_of(home: Home, run_id: str) -> Mapping[str, ProbeResult]:
    """Results of the experiments that were run beside a run; ``run_id`` is a full id."""
    return read_probes(home.run_folder(run_id))


def _stage(run: RunRecord, history: Sequence[HistoryRecord]) -> tuple[int, int]:
    """The current stage (0-based) and the step before its first one."""
    started = [one for one in history if one.kind == "stage"]
    if not started:
        return int(run.summary.get("stage") or 0), 0
    stage = int(started[-1].data.get("stage") or 0)
    # A resumed run announces its stage again; it began where it was announced first.
    return stage, min(one.step for one in started if int(one.data.get("stage") or 0) == stage)


def _first(reader: MetricsReader) -> dict[str, float]:
    """Signals of the first recorded step, if that is step 1."""
    view = reader.view(reader.batch_keys(), first=0, last=1)
    if not len(view.step_V):
        return {}
    return {name: float(values[0]) for name, values in view.low.items() if not np.isnan(values[0])}


def _tail(reader: MetricsReader, name: str) -> Tail:
    if name not in reader.batch_keys():
        return Tail()
    return _as_tail(reader.tail([name], TAIL_LENGTH), name)


def _trail(reader: MetricsReader, name: str) -> Tail:
    read = reader.view if name in reader.batch_keys() else reader.sparse
    return _as_tail(read([name], points=TRAIL_POINTS), name)


def _as_tail(view: SeriesView, name: str) -> Tail:
    """Each bucket by its middle."""
    values_V = (view.low[name] + view.high[name]) / 2.0
    there_V = ~np.isnan(values_V)
    return Tail(tuple(view.step_V[there_V].tolist()), tuple(values_V[there_V].tolist()))
