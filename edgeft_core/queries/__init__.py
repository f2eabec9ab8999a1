"""The read side for pages and the command line: plain functions from a home and a run to records and DataFrames.

Nothing here loads torch or knows a screen. A run may be named by id, by an unambiguous prefix of it, or by name.
"""

from __future__ import annotations

from edgeft_core.queries.comparison import Comparison, compare
from edgeft_core.queries.diagnosis import case_of, diagnose_run, diagnosis_of
from edgeft_core.queries.embeddings import embeddings
from edgeft_core.queries.events import Marker, autopilot_story, change_words, journal, markers
from edgeft_core.queries.families import Relatives, in_families, relatives
from edgeft_core.queries.numbers import autopilot_json, metrics_json, show
from edgeft_core.queries.opened import catalog_of, forget, metrics_of
from edgeft_core.queries.predictions import (
    Chance,
    ClassHistogram,
    chance_of,
    class_names,
    histogram_now,
    histogram_over_time,
)
from edgeft_core.queries.proofs import can_be_tried, proof_to_apply, proofs, remedy_for, remedy_of_cause
from edgeft_core.queries.runs import runs_table
from edgeft_core.queries.sample_table import samples
from edgeft_core.queries.series import Line, SeriesLines, series
from edgeft_core.queries.status import RunStatus, run_status
from edgeft_core.queries.sweep import (
    SweepResults,
    best_heads,
    head_config,
    head_settings,
    sweep_frame,
    sweep_json,
    sweep_results,
    sweeps,
)
from edgeft_core.queries.sweep_edge import EdgeReport, collapsed_of, edge_report, has_validation
from edgeft_core.queries.verdicts import VerdictSpan, verdict_spans

__all__ = [
    "Chance",
    "ClassHistogram",
    "Comparison",
    "EdgeReport",
    "Line",
    "Marker",
    "Relatives",
    "RunStatus",
    "SeriesLines",
    "SweepResults",
    "VerdictSpan",
    "autopilot_json",
    "autopilot_story",
    "best_heads",
    "can_be_tried",
    "case_of",
    "catalog_of",
    "chance_of",
    "change_words",
    "class_names",
    "collapsed_of",
    "compare",
    "diagnose_run",
    "diagnosis_of",
    "edge_report",
    "embeddings",
    "forget",
    "has_validation",
    "head_config",
    "head_settings",
    "histogram_now",
    "histogram_over_time",
    "in_families",
    "journal",
    "markers",
    "metrics_json",
    "metrics_of",
    "proof_to_apply",
    "proofs",
    "relatives",
    "remedy_for",
    "remedy_of_cause",
    "run_status",
    "runs_table",
    "samples",
    "series",
    "show",
    "sweep_frame",
    "sweep_json",
    "sweep_results",
    "sweeps",
    "verdict_spans",
]
