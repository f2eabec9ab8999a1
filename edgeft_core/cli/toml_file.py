"""Settings from a TOML file, with the line of each, so that a wrong one can be found."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeft_core.errors import ConfigError

_TABLE = re.compile(r"\s*\[(?P<array>\[)?\s*(?P<name>[^\]]+?)\s*\]")
_KEY = re.compile(r"\s*(?P<name>[A-Za-z0-9_.\-\"']+)\s*=")


@dataclass(frozen=True)
class SettingsFile:
    """What a file says: nested settings, and the line on which each dotted key stands."""

    path: Path
    tree: dict[str, Any]
    lines: dict[str, int]

    def located(self, problem: str) -> str:
        """``problem`` (which begins with a dotted key) with the file and line in front."""
        key = problem.split(":", 1)[0]
        while key and key not in self.lines:
            key = key.rpartition(".")[0]
        line = f" line {self.lines[key]}" if key else ""
        return f"{self.path}{line}: {problem}"


def read_settings(path: Path) -> SettingsFile:
    """Read a TOML file.

    Raises:
        ConfigError: it cannot be read, or is not TOML; names the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: the settings cannot be read ({error})"]) from error
    try:
        return SettingsFile(path, tomllib.loads(text), _lines(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: not a TOML file: {error}"]) from error


def _lines(text: str) -> dict[str, int]:
    """Dotted key -> line, 1-based. Tables in arrays are numbered, as stages are: ``stages.0.head_lr``."""
    lines: dict[str, int] = {}
    seen: Counter[str] = Counter()
    prefix = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if table := _TABLE.match(line):
            name = _bare(table["name"])
            prefix = f"{name}.{seen[name]}." if table["array"] else f"{name}."
            seen[name] += bool(table["array"])
            lines.setdefault(prefix.rstrip("."), number)
        elif key := _KEY.match(line):
            lines.setdefault(prefix + _bare(key["name"]), number)
    return lines


def _bare(name: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in name.split("."))
