"""Compare a file's tensors with a network's, name by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from edgeft_core.models.weights.report import KIND_WORDS, Kind, ModuleAccount, TensorProblem
from edgeft_core.models.weights.wrapping import core_key


@dataclass(frozen=True)
class Match:
    """What fits and what does not.

    Attributes:
        loadable: network name -> tensor of the file, finite, of the right shape, in the network's type.
        problems: everything else, in the network's order, then what only the file has.
        prefixes: what stood in front of the file's names, most frequent first.
    """

    loadable: dict[str, Tensor]
    problems: tuple[TensorProblem, ...]
    prefixes: tuple[str, ...]


def match_tensors(network: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> Match:
    """Pair tensors by name, whatever prefixes either side carries, and say what is wrong with each other one."""
    by_core, spare = _by_core(network, found)
    loadable: dict[str, Tensor] = {}
    problems: list[TensorProblem] = []
    prefixes: Counter[str] = Counter()
    for key, own in network.items():
        name = by_core.pop(core_key(key)[0], None)
        if name is None:
            problems.append(TensorProblem(key, "missing", module_of(key), expected=shape_words(own)))
            continue
        prefixes[core_key(name)[1]] += 1
        kind, tensor = _judge(own, found[name])
        if kind is None:
            loadable[key] = tensor
        else:
            problems.append(_problem(key, kind, own, found[name]))
    problems += [
        TensorProblem(name, "unexpected", module_of(core_key(name)[0]), found=shape_words(found[name]))
        for name in [*by_core.values(), *spare]
    ]
    return Match(loadable, tuple(problems), tuple(prefix for prefix, _ in prefixes.most_common() if prefix))


def _by_core(network: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> tuple[dict[str, str], list[str]]:
    """File name per core name; where two share one, the one whose shape fits, and the rest."""
    shapes = {core_key(key)[0]: tensor.shape for key, tensor in network.items()}
    chosen: dict[str, str] = {}
    spare: list[str] = []
    for name in found:
        core = core_key(name)[0]
        rival = chosen.get(core)
        if rival is None:
            chosen[core] = name
        elif found[rival].shape != shapes.get(core) and found[name].shape == shapes.get(core):
            chosen[core] = name
            spare.append(rival)
        else:
            spare.append(name)
    return chosen, spare


def _judge(own: Tensor, found: Tensor) -> tuple[Kind | None, Tensor]:
    if own.shape != found.shape:
        return "wrong_shape", found
    if found.is_quantized or found.is_complex() or own.is_floating_point() != found.is_floating_point():
        return "wrong_dtype", found
    tensor = found.to(own.dtype)
    if not bool(torch.isfinite(tensor).all()):
        return "non_finite", found
    return None, tensor


def _problem(key: str, kind: Kind, own: Tensor, found: Tensor) -> TensorProblem:
    if kind == "wrong_dtype":
        return TensorProblem(key, kind, module_of(key), dtype_words(own), dtype_words(found))
    return TensorProblem(key, kind, module_of(key), shape_words(own), shape_words(found))


def account(
    network: Mapping[str, Tensor], loaded: Iterable[str], problems: Iterable[TensorProblem] = ()
) -> tuple[ModuleAccount, ...]:
    """Counts per stage, block or layer; modules that only the file has come last."""
    done = set(loaded)
    keys: dict[str, list[str]] = {}
    for key in network:
        keys.setdefault(module_of(key), []).append(key)
    counts: dict[str, Counter[Kind]] = {}
    for problem in problems:
        counts.setdefault(problem.module, Counter())[problem.kind] += 1
    return tuple(
        ModuleAccount(
            module=module,
            tensors=len(own := keys.get(module, [])),
            matched=sum(key in done for key in own),
            parameters=sum(network[key].numel() for key in own),
            parameters_matched=sum(network[key].numel() for key in own if key in done),
            problems={kind: n for kind in KIND_WORDS if (n := counts.get(module, Counter())[kind])},
        )
        for module in dict.fromkeys([*keys, *counts])
    )


def module_of(key: str) -> str:
    """The stage, block or layer that a tensor belongs to: ``stages.1.blocks.0``, ``stem.0``, ``head.fc``."""
    path = core_key(key)[0].split(".")[:-1]
    numbers = [place for place, part in enumerate(path) if part.isdigit()]
    if numbers:
        path = path[: numbers[min(1, len(numbers) - 1)] + 1]
    return ".".join(path) or key


def shape_words(tensor: Tensor) -> str:
    """``512 x 168``; ``one number`` for a scalar."""
    return " x ".join(str(size) for size in tensor.shape) or "one number"


def dtype_words(tensor: Tensor) -> str:
    """``float16``."""
    return str(tensor.dtype).removeprefix("torch.")
