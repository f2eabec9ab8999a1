"""Dotted keys into RunConfig: read one, change many, and describe each for forms and sliders."""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from edgeft_core.config import RunConfig
from edgeft_core.errors import ConfigError

Kind = Literal["bool", "int", "float", "str", "choice"]

# Parts of the tree without dotted keys: a sweep's axes are a list of its own making.
_NOT_KEYED = frozenset({"sweep"})


@dataclass(frozen=True)
class Setting:
    """What a form, a slider or a report needs to know about one dotted key."""

    key: str
    title: str
    text: str
    kind: Kind
    default: Any
    minimum: float | None
    maximum: float | None
    choices: tuple[Any, ...]
    optional: bool
    unit: str
    log: bool
    live: bool
    advanced: bool


def _leaves(prefix: str, value: BaseModel | tuple[BaseModel, ...]) -> Iterator[tuple[str, BaseModel, str]]:
    """Every leaf as (dotted key, owner, field name), in order of declaration."""
    if isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _leaves(f"{prefix}{index}.", item)
        return
    for name in type(value).model_fields:
        child = getattr(value, name)
        if name in _NOT_KEYED:
            continue
        if isinstance(child, BaseModel) or (
            isinstance(child, tuple) and child and isinstance(child[0], BaseModel)
        ):
            yield from _leaves(f"{prefix}{name}.", child)
        else:
            yield f"{prefix}{name}", value, name


def flatten(config: RunConfig) -> dict[str, Any]:
    """All settings as ``{"head.scale": 32.0, "stages.0.head_lr": 9e-4, ...}``."""
    return {key: getattr(owner, name) for key, owner, name in _leaves("", config)}


def settings_of(config: RunConfig) -> dict[str, Setting]:
    """The description of every key that this config has (stages are numbered)."""
    return {key: _describe(key, type(owner).model_fields[name]) for key, owner, name in _leaves("", config)}


def live_keys(config: RunConfig) -> tuple[str, ...]:
    """Keys that may change while the run goes."""
    return tuple(key for key, one in settings_of(config).items() if one.live)


def _describe(key: str, field: FieldInfo) -> Setting:
    kind, choices, optional = _kind_of(field.annotation)
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    bounds: dict[str, float] = {}
    for constraint in field.metadata:
        if isinstance(constraint, annotated_types.Ge):
            bounds["min"] = float(constraint.ge)  # type: ignore[arg-type]
        if isinstance(constraint, annotated_types.Le):
            bounds["max"] = float(constraint.le)  # type: ignore[arg-type]
    return Setting(
        key=key,
        title=field.title or key,
        text=field.description or "",
        kind=kind,
        default=field.default,
        minimum=bounds.get("min"),
        maximum=bounds.get("max"),
        choices=choices,
        optional=optional,
        unit=str(extra.get("unit", "")),
        log=bool(extra.get("log")),
        live=bool(extra.get("live")),
        advanced=bool(extra.get("advanced")),
    )


def _kind_of(annotation: Any) -> tuple[Kind, tuple[Any, ...], bool]:
    optional = False
    if get_origin(annotation) in {Union, types.UnionType}:
        inner = [arg for arg in get_args(annotation) if arg is not type(None)]
        optional = len(inner) < len(get_args(annotation))
        annotation = inner[0]
    if get_origin(annotation) is Literal:
        return "choice", get_args(annotation), optional
    kinds: dict[Any, Kind] = {bool: "bool", int: "int", float: "float", str: "str"}
    return kinds[annotation], (), optional


def value_of(config: RunConfig, key: str) -> Any:
    """The value of one dotted key.

    Raises:
        ConfigError: no such key; names the nearest one.
    """
    values = flatten(config)
    if key not in values:
        raise ConfigError([_unknown(key, values)])
    return values[key]


def with_values(config: RunConfig, changes: Mapping[str, Any]) -> RunConfig:
    """A copy with some dotted keys changed; text values are parsed as their setting's type.

    Raises:
        ConfigError: lists every unknown key (with the nearest name) and every value out of bounds.
    """
    known = settings_of(config)
    problems = [_unknown(key, known) for key in changes if key not in known]
    tree = config.model_dump(mode="python")
    tree["stages"] = [dict(stage) for stage in tree["stages"]]
    for key, value in changes.items():
        if key in known:
            _put(tree, key, _parsed(value, known[key]))
    config_or_problems = _validated(tree)
    if isinstance(config_or_problems, RunConfig) and not problems:
        return config_or_problems
    if not isinstance(config_or_problems, RunConfig):
        problems += config_or_problems
    raise ConfigError(problems)


def from_tree(tree: Mapping[str, Any]) -> RunConfig:
    """A config from nested mappings (a TOML or JSON file).

    Raises:
        ConfigError: lists every unknown key and every value out of bounds at once.
    """
    result = _validated(dict(tree))
    if isinstance(result, RunConfig):
        return result
    raise ConfigError(result)


def _validated(tree: Mapping[str, Any]) -> RunConfig | list[str]:
    try:
        return RunConfig.model_validate(tree)
    except ValidationError as error:
        known = flatten(RunConfig())
        return [_sentence(dict(item), known) for item in error.errors()]


def _sentence(item: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    key = ".".join(str(part) for part in item["loc"]) or "config"
    if item["type"] == "extra_forbidden":
        return _unknown(key, known)
    message = str(item["msg"]).removeprefix("Value error, ")
    given = item.get("input")
    shown = f" (got {given!r})" if isinstance(given, str | int | float | bool | type(None)) else ""
    return f"{key}: {message[:1].lower() + message[1:]}{shown}"


def _unknown(key: str, known: Mapping[str, Any]) -> str:
    stage = re.match(r"stages\.(\d+)\.", key)
    pattern = re.sub(r"^stages\.\d+\.", "stages.0.", key)
    near = difflib.get_close_matches(pattern, list(known), n=1, cutoff=0.5)
    if not near:
        tails = {name.rsplit(".", 1)[-1]: name for name in known}
        near = [tails[name] for name in difflib.get_close_matches(key.rsplit(".", 1)[-1], list(tails), n=1)]
    name = near[0] if near else ""
    if stage and name.startswith("stages.0."):
        name = name.replace("stages.0.", f"stages.{stage.group(1)}.", 1)
    if name == key:
        return f"{key}: this run has no stage {stage.group(1)}" if stage else f"{key}: no such setting"
    return f"{key}: no such setting" + (f"; did you mean {name}?" if name else "")


def _put(tree: dict[str, Any], key: str, value: Any) -> None:
    *path, last = key.split(".")
    node: Any = tree
    for part in path:
        node = node[int(part)] if isinstance(node, list) else node[part]
    node[last] = value


def _parsed(value: Any, one: Setting) -> Any:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if one.optional and text.lower() in {"", "none", "auto"}:
        return None
    if one.kind == "bool":
        return {
            "true": True,
            "yes": True,
            "on": True,
            "1": True,
            "false": False,
            "no": False,
            "off": False,
            "0": False,
        }.get(text.lower(), text)
    if one.kind == "choice" and all(isinstance(choice, int) for choice in one.choices):
        return int(text) if text.lstrip("-").isdigit() else text
    return text
