"""Everything measured in turn, each part kept as soon as it is there: an interrupted measurement goes on."""

from __future__ import annotations

import json
import platform
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import torch

from benchmarks.case_study.first_look import first_look
from benchmarks.case_study.grid import (
    CENTRING,
    HALF_LOADED_FILE,
    KNOBS,
    SETTINGS,
    Study,
    first_stage,
)
from benchmarks.case_study.half_loaded import write_low_rank
from benchmarks.case_study.invariance import invariance
from benchmarks.case_study.pull_only import SECOND_STAGES, pulled
from benchmarks.case_study.stage_run import cell, follow
from edgeft_core.config import BackboneConfig, RunConfig
from edgeft_core.config_keys import with_values

Tell = Callable[[str], None]
HEAD_LOOKED_AT = {"healthy": "before", "unnormalised": "before"}
"""Embeddings -> settings of the trained heads that are scored under other scales and temperatures."""


@dataclass(frozen=True)
class Task:
    """One measurement: where its result goes, and how it is made."""

    part: str
    key: str
    make: Callable[[], Any]


def key_of(*names: object) -> str:
    """``healthy/fix/centred/42``."""
    return "/".join(str(name) for name in names)


def centred(centre: bool) -> str:
    return "centred" if centre else "plain"


def tasks(study: Study) -> Iterator[Task]:
    """The most useful first: whoever stops early has the story's own four kinds, then a figure for everything."""
    first, *others = study.seeds
    for kind in study.kinds:
        yield from _grid(study, kind, first)
    for kind, setting in HEAD_LOOKED_AT.items():
        config = first_stage(study, kind, SETTINGS[setting], first)
        yield Task("invariance", kind, partial(_trained_head, study, config))
    for kind in study.further_kinds():
        yield from _grid(study, kind, first)
    for kind in study.knob_kinds:
        for knob in KNOBS:
            yield _knob(study, kind, knob, first)
    for name in study.second_stages or SECOND_STAGES:
        yield Task("pull_only", name, partial(pulled, study, name, first))
    for seed in others:
        for kind in (*study.kinds, *study.further_kinds()):
            yield from _grid(study, kind, seed)
        for kind in study.knob_kinds:
            for knob in KNOBS:
                yield _knob(study, kind, knob, seed)


def _grid(study: Study, kind: str, seed: int) -> Iterator[Task]:
    for setting in SETTINGS:
        for centre in CENTRING:
            yield _grid_cell(study, kind, setting, centre, seed)
    config = first_stage(study, kind, SETTINGS["before"], seed)
    # behind the runs, which have left their embeddings
    yield Task("first_look", key_of(kind, seed), partial(first_look, study, config))


def _trained_head(study: Study, config: RunConfig) -> list[dict[str, float]]:
    follow(study, config)
    return invariance(study, config)


def _grid_cell(study: Study, kind: str, setting: str, centre: bool, seed: int) -> Task:
    config = first_stage(study, kind, SETTINGS[setting], seed)
    config = with_values(config, {"head.centre": centre})
    return Task(
        "grid",
        key_of(kind, setting, centred(centre), seed),
        lambda: cell(follow(study, config)),
    )


def _knob(study: Study, kind: str, knob: str, seed: int) -> Task:
    config = first_stage(study, kind, SETTINGS["before"], seed)
    config = with_values(config, KNOBS[knob])
    return Task(
        "knobs",
        key_of(kind, knob, seed),
        lambda: cell(follow(study, config)),
    )


def measure(study: Study, *, out: Path, tell: Tell, only: frozenset[str] = frozenset()) -> None:
    """Make what ``out`` lacks, and write it after each measurement.

    Args:
        only: parts to make (``first_look``, ``grid``, ``knobs``, ``invariance``, ``pull_only``); all where empty.
    """
    write_low_rank(study.work / HALF_LOADED_FILE, BackboneConfig())
    result = json.loads(out.read_text(encoding="utf-8")) if out.exists() else _setting(study)
    for task in tasks(study):
        if (only and task.part not in only) or task.key in result.setdefault(task.part, {}):
            continue
        shutil.rmtree(study.run_folder, ignore_errors=True)
        began, worked = time.monotonic(), time.process_time()
        result[task.part][task.key] = rounded(task.make())
        _write(out, result)
        tell(
            f"{task.part} {task.key}: {time.monotonic() - began:.0f} s, {time.process_time() - worked:.0f} s of work"
        )


def _write(out: Path, result: dict[str, Any]) -> None:
    temporary = out.with_suffix(".tmp")
    temporary.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    temporary.replace(out)


def rounded(value: Any) -> Any:
    """Floats with five significant digits."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(one) for one in value]
    return value


def _setting(study: Study) -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{psutil.cpu_count()}-core {platform.machine().replace('_', '-')}, no GPU",
        "torch": torch.__version__,
        "threads": 1,
        "identities": study.identities,
    }
