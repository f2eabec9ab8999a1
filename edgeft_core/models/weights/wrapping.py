"""Take a state dict out of whatever a training script wrapped it in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from edgeft_core.errors import WeightsError

# Where training scripts put a network's weights, most specific first.
ENTRIES = (
    "backbone_state_dict",
    "model_state_dict",
    "net_state_dict",
    "network_state_dict",
    "state_dict",
    "backbone",
    "model",
    "net",
    "network",
    "encoder",
    "module",
    "weights",
    "params",
)
# What wrappers put in front of every name: DataParallel, torch.compile, and attributes called so.
PREFIXES = ("module", "_orig_mod", "backbone", "model", "net", "network")
MAX_DEPTH = 6


def unwrap(loaded: object) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The state dict inside ``loaded``, and the entries that led to it.

    Raises:
        WeightsError: no named tensors, or several state dicts and none under a known name.
    """
    path: list[str] = []
    node = loaded
    for _ in range(MAX_DEPTH):
        if not isinstance(node, Mapping):
            break
        entry = _entry_of(node)
        if entry is None:
            tensors = {str(key): value for key, value in node.items() if isinstance(value, Tensor)}
            if tensors:
                return tensors, tuple(path)
            break
        path.append(entry)
        node = node[entry]
    found = f"a {type(loaded).__name__}" if not isinstance(loaded, Mapping) else _listed(loaded)
    raise WeightsError(
        f"holds no state dict (found {found}); save one with torch.save(model.state_dict(), 'file.pt')."
    )


def _entry_of(node: Mapping[Any, Any]) -> str | None:
    """The entry to descend into; None where the tensors are here."""
    inner = [str(key) for key, value in node.items() if isinstance(key, str) and _has_tensors(value)]
    for name in ENTRIES:
        if name in inner:
            return name
    if any(isinstance(value, Tensor) for value in node.values()):
        return None
    if len(inner) > 1:
        raise WeightsError(
            f"holds several state dicts ({', '.join(inner)}) and none under a known name; "
            f"keep the backbone's alone, or under {ENTRIES[0]!r}."
        )
    return inner[0] if inner else None


def _has_tensors(value: object, depth: int = 0) -> bool:
    if not isinstance(value, Mapping) or depth > MAX_DEPTH:
        return False
    return any(isinstance(one, Tensor) or _has_tensors(one, depth + 1) for one in value.values())


def _listed(node: Mapping[Any, Any]) -> str:
    names = [str(key) for key in node]
    return "only " + ", ".join(names[:6]) + (", ..." if len(names) > 6 else "") if names else "nothing"


def core_key(key: str) -> tuple[str, str]:
    """A name without the wrappers' prefixes, and those prefixes (``module.model.``)."""
    parts = key.split(".")
    start = 0
    while start < len(parts) - 1 and parts[start] in PREFIXES:
        start += 1
    prefix = ".".join(parts[:start])
    return ".".join(parts[start:]), f"{prefix}." if prefix else ""
