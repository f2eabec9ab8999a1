"""What probes and checks found, kept as JSON files in the run's folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from edgeft_core.diagnostics.case import Finding, ProbeResult

T = TypeVar("T")

PROBES_FILE = "probes.json"
PREFLIGHT_FILE = "preflight.json"


def read_probes(folder: Path) -> dict[str, ProbeResult]:
    """The probes' results by name; empty where none ran yet or the file cannot be read."""
    rows = _read(folder / PROBES_FILE).get("probes")
    return {one.name: one for one in _each(rows, ProbeResult.from_dict)}


def read_probing(folder: Path) -> Mapping[str, Any]:
    """How far the probes are, as :mod:`edgeft_core.jobs.probing` wrote it; empty where none ran yet."""
    progress = _read(folder / PROBES_FILE).get("progress")
    return progress if isinstance(progress, dict) else {}


def write_probes(
    folder: Path, probes: Mapping[str, ProbeResult], progress: Mapping[str, Any] | None = None
) -> None:
    """Replace the file in one step: a reader sees the old results or the new ones.

    Args:
        progress: of the process that works on them, for whoever waits.
    """
    rows = [one.as_dict() for one in probes.values()]
    _write(folder / PROBES_FILE, {"probes": rows, "progress": dict(progress or {})})


def read_findings(folder: Path) -> tuple[Finding, ...]:
    """What the checks before training found; empty where they did not run."""
    return tuple(_each(_read(folder / PREFLIGHT_FILE).get("findings"), Finding.from_dict))


def write_findings(folder: Path, findings: Iterable[Finding]) -> None:
    """Replace the file in one step."""
    _write(folder / PREFLIGHT_FILE, {"findings": [one.as_dict() for one in findings]})


def _each(rows: Any, build: Callable[[Mapping[str, Any]], T]) -> list[T]:
    found: list[T] = []
    for row in rows if isinstance(rows, list) else []:
        try:
            found.append(build(row))
        except (KeyError, TypeError, ValueError):  # one damaged row must not hide the others
            continue
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _write(path: Path, data: Mapping[str, Any]) -> None:
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    beside.write_text(
        json.dumps(data, ensure_ascii=False, allow_nan=False, indent=1) + "\n", encoding="utf-8"
    )
    beside.replace(path)
