"""The settings that name files and folders: made absolute, looked for, kept below folders that a visitor may name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from edgeft_core import access
from edgeft_core.config import RunConfig
from edgeft_core.config_keys import flatten, with_values
from edgeft_core.errors import ConfigError

# Settings that may name a file or folder, and the words in them that do not.
_PATHS: dict[str, frozenset[str]] = {
    "data.source": frozenset({"synthetic"}),
    "data.super_resolution": frozenset({"bicubic"}),
    "backbone.weights": frozenset({"demo", "none", "timm"}),
}


def with_absolute_paths(config: RunConfig) -> RunConfig:
    """The same config with paths that mean the same in every process, whatever its working folder.

    Raises:
        ConfigError: a path does not exist; lists all of them.
    """
    values = flatten(config)
    if problems := missing_paths(values):
        raise ConfigError(problems)
    return with_values(config, {key: str(path) for key, path in _paths(values)})


def require_paths(config: RunConfig, *, but_for: RunConfig | None = None) -> None:
    """Raises AccessError where the config names a file or folder that the visitor may not name, there or not.

    Args:
        but_for: settings of a run whose files may be used again, whoever named them.
    """
    known = {path for _, path in _paths(flatten(but_for))} if but_for is not None else set()
    for _, path in _paths(flatten(config)):
        if path not in known:
            access.require_path(path)


def missing_paths(values: Mapping[str, Any]) -> list[str]:
    """A sentence for each setting among ``values`` (dotted keys) that names a file or folder that is not there."""
    problems = []
    for key, path in _paths(values):
        if not path.exists():
            kind = "folder" if key == "data.source" else "file"
            known = ", ".join(sorted(_PATHS[key]))
            problems.append(f"{key}: there is no {kind} {path}; give one that exists, or {known}")
    return problems


def _paths(values: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    for key, words in _PATHS.items():
        text = str(values.get(key, ""))
        if text and text not in words:
            yield key, Path(text).expanduser().resolve()
