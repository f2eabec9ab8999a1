"""Reports kept in the home folder, so that the same question is not worked on twice."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

from edgeft_core.config import RunConfig
from edgeft_core.preflight.report import PreflightReport
from edgeft_core.settings import DEMO_WEIGHTS

VERSION = 1
"""Raised when checks change, so that older reports are not taken for answers."""

KEPT_AT_MOST = 200
PARTS_AT_MOST = 8


def key_of(config: RunConfig) -> str:
    """A name that changes with the settings, the weight files, and the files in the data's folders.

    Rewriting an image in place, without a change to its folder, is not noticed.
    """
    asked = config.model_dump(mode="json", exclude={"preset": True, "monitor": True, "threads": True})
    files = [_file_facts(config.backbone.weights), _file_facts(config.data.super_resolution)]
    for part, name in (("data", "source"), ("data", "super_resolution"), ("backbone", "weights")):
        asked[part][name] = _absolute(asked[part][name])
    facts = [VERSION, asked, files, _folder_facts(Path(config.data.source).expanduser())]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]


def kept_report(cache: Path, config: RunConfig) -> PreflightReport | None:
    """The whole report of an earlier check of the same thing; None where there is none."""
    try:
        data = json.loads(_path(cache, config).read_text(encoding="utf-8"))
        return PreflightReport.from_dict(data)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def keep_report(cache: Path, config: RunConfig, report: PreflightReport) -> None:
    """Keep a whole report; a disk that refuses costs nothing but the next check's seconds."""
    path = _path(cache, config)
    beside = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(report.as_dict(), ensure_ascii=False), encoding="utf-8")
        beside.replace(path)
        _forget_old(path.parent)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _path(cache: Path, config: RunConfig) -> Path:
    return cache / "preflight" / f"{key_of(config)}.json"


def _forget_old(folder: Path) -> None:
    files = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in files[KEPT_AT_MOST:]:
        path.unlink(missing_ok=True)


def _absolute(name: str) -> str:
    path = Path(name).expanduser()
    return str(path.resolve()) if path.exists() else name


def _file_facts(name: str) -> list[Any]:
    path = DEMO_WEIGHTS if name == "demo" else Path(name).expanduser()
    try:
        facts = path.stat()
    except OSError:
        return []
    return [facts.st_size, facts.st_mtime_ns]


def _folder_facts(root: Path) -> list[Any]:
    """Time of change of the folder and of those in it: adding or removing a file changes one.

    A few folders may be the parts of a split, with identities below them.
    """
    try:
        inside = _folders(root)
        below = [one for path, _ in inside for one in _folders(path)] if len(inside) <= PARTS_AT_MOST else []
        return [root.stat().st_mtime_ns, *sorted([str(path), changed] for path, changed in [*inside, *below])]
    except OSError:
        return []


def _folders(folder: Path) -> list[tuple[Path, int]]:
    with os.scandir(folder) as entries:
        return [(Path(entry.path), entry.stat().st_mtime_ns) for entry in entries if entry.is_dir()]
