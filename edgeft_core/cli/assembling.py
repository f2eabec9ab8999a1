"""The options that describe a RunConfig, and the way to it: preset, then file, --data and --weights, then --set."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from edgeft_core.cli.assignments import divided
from edgeft_core.cli.toml_file import SettingsFile, read_settings
from edgeft_core.config import RunConfig
from edgeft_core.config_keys import flatten, from_tree, with_values
from edgeft_core.errors import ConfigError
from edgeft_core.jobs.paths import missing_paths
from edgeft_core.presets import PRESETS

DEFAULT_PRESET = "recommended"

PresetOption = Annotated[
    str | None, typer.Option(metavar="NAME", help=f"Starting point; else {DEFAULT_PRESET}.")
]
ConfigOption = Annotated[Path | None, typer.Option(metavar="FILE.toml", help="Settings over the preset's.")]
DataOption = Annotated[str | None, typer.Option(metavar="DIR", help="Folder of images, or synthetic.")]
WeightsOption = Annotated[str | None, typer.Option(metavar="FILE", help="Weights, or demo, none, timm.")]


def assemble(
    preset: str | None,
    file: Path | None,
    data: str | None,
    weights: str | None,
    assignments: Sequence[str],
) -> RunConfig:
    """The config that the options describe; each source overrides those before it.

    Raises:
        ConfigError: lists everything that is wrong, in the file and in the options, at once.
    """
    settings = read_settings(file) if file is not None else None
    config = preset_named(preset or _preset_in(settings) or DEFAULT_PRESET)
    problems: list[str] = []
    if settings is not None:
        try:
            config = _overlaid(config, settings.tree)
        except ConfigError as error:
            problems += [settings.located(problem) for problem in error.problems]
    options = {key: value for key, value in (("data.source", data), ("backbone.weights", weights)) if value}
    values, no_assignments = divided(assignments)
    values = {**options, **values}
    problems += no_assignments
    try:
        config = with_values(config, values)
    except ConfigError as error:
        problems += error.problems
    problems += missing_paths({**flatten(config), **values})
    if problems:
        raise ConfigError(problems)
    return config


def preset_named(name: str) -> RunConfig:
    """Raises ConfigError for an unknown name; names the nearest."""
    if name in PRESETS:
        return PRESETS[name]()
    near = difflib.get_close_matches(name, PRESETS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(PRESETS)}"
    raise ConfigError([f"preset {name}: no such preset; {hint}"])


def _preset_in(settings: SettingsFile | None) -> str | None:
    named = settings.tree.get("preset") if settings is not None else None
    return str(named) if named is not None else None


def _overlaid(config: RunConfig, tree: Mapping[str, Any]) -> RunConfig:
    """The file over the preset. Tables are merged; a list of stages replaces the preset's stages."""
    base = config.model_dump(mode="python")
    base["stages"] = list(base["stages"])
    return from_tree({**_merged(base, tree), "preset": config.preset})


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        result[key] = _merged(below, value) if both else value  # type: ignore[arg-type]
    return result
