"""Why a weight file does not fit, in words: the most specific explanation that the evidence bears."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import torch

from edgeft_core.models.edgeface import VARIANTS, EdgeFace, Variant
from edgeft_core.models.weights.report import Kind, TensorProblem
from edgeft_core.models.weights.wrapping import PREFIXES, core_key

Shapes = Mapping[str, tuple[int, ...]]

# EdgeNeXt without low-rank layers is a timm model of its own name.
CANDIDATES: dict[str, Variant] = VARIANTS | {
    one.timm_name: Variant(one.timm_name) for one in VARIANTS.values() if one.rank_ratio is not None
}
CLASSIFIERS = ("head.fc.weight", "head.fc.linear2.weight")
IMAGENET_CLASSES = {1000, 21841, 21843, 11821}


@dataclass(frozen=True)
class Misfit:
    """All that is known when a file does not fit.

    Attributes:
        network: shape per name without prefixes.
        file: the same for the file.
        names: the file's full names.
        products_fit: whether the file is whole once its low-rank factors are multiplied.
    """

    backbone: str
    embedding_dim: int
    network: Shapes
    file: Shapes
    names: tuple[str, ...]
    problems: tuple[TensorProblem, ...]
    products_fit: bool = False

    @cached_property
    def kinds(self) -> set[Kind]:
        return {problem.kind for problem in self.problems}

    @cached_property
    def file_embedding_dim(self) -> int:
        return next((self.file[key][0] for key in CLASSIFIERS if self.file.get(key)), self.embedding_dim)

    @cached_property
    def fit(self) -> dict[str, float]:
        """Share of names and shapes in common with each EdgeFace, at the file's embedding size."""
        return {name: overlap(signature(name, self.file_embedding_dim), self.file) for name in CANDIDATES}


@lru_cache(maxsize=32)
def signature(name: str, embedding_dim: int) -> Shapes:
    """Shape per name of a candidate; built without memory for its weights."""
    with torch.device("meta"):
        network = EdgeFace(CANDIDATES[name], embedding_dim)
    return {core_key(key)[0]: tuple(tensor.shape) for key, tensor in network.state_dict().items()}


def overlap(one: Shapes, other: Shapes) -> float:
    """Names with equal shapes, over all names of both (Jaccard index): 1 = the same network."""
    same = sum(other.get(key) == shape for key, shape in one.items())
    return same / max(1, len(one.keys() | other.keys()))


def likely_cause(misfit: Misfit) -> str:
    """One or two sentences that say what the file is and what to change."""
    return next((text for explain in EXPLANATIONS if (text := explain(misfit))), "")


def _non_finite(misfit: Misfit) -> str:
    if misfit.kinds != {"non_finite"}:
        return ""
    return "the training that wrote the file had diverged: some weights are NaN or Inf. Use an earlier checkpoint."


def _unknown_prefix(misfit: Misfit) -> str:
    if misfit.file.keys() & misfit.network.keys():
        return ""
    for name in misfit.names:
        for core in misfit.network:
            prefix = name.removesuffix(core)
            if prefix == name or not prefix.endswith("."):
                continue
            if sum(prefix + other in misfit.names for other in misfit.network) > len(misfit.network) / 2:
                return (
                    f"every name in the file starts with {prefix!r}, a prefix that is not one of "
                    f"{', '.join(PREFIXES)}. Save the weights again without it."
                )
    return ""


def _embedding_size(misfit: Misfit) -> str:
    if misfit.file_embedding_dim == misfit.embedding_dim or misfit.fit.get(_own_candidate(misfit)) != 1.0:
        return ""
    size = misfit.file_embedding_dim
    if size in IMAGENET_CLASSES:
        return (
            f"the file is a classifier of {size} ImageNet classes, not a face embedding. Use a face checkpoint, "
            "or backbone.allow_partial=true to start from it with a random embedding layer."
        )
    return (
        f"the file's last layer gives {size} numbers and the network's {misfit.embedding_dim}. "
        f"Set backbone.embedding_dim={size}."
    )


def _other_variant(misfit: Misfit) -> str:
    best = max(misfit.fit, key=lambda name: misfit.fit[name])
    if misfit.fit[best] < 1.0 or best == _own_candidate(misfit):
        return ""
    size = misfit.file_embedding_dim
    also = "" if size == misfit.embedding_dim else f" and backbone.embedding_dim={size}"
    return (
        f"wrong variant: {_rank_difference(misfit)}every tensor fits {best}. Set backbone.name={best}{also}."
    )


def _own_candidate(misfit: Misfit) -> str:
    same_as_edgeface = {one.timm_name: name for name, one in VARIANTS.items() if one.rank_ratio is None}
    return same_as_edgeface.get(misfit.backbone, misfit.backbone)


def _rank_difference(misfit: Misfit) -> str:
    in_file, in_network = (any(".linear1." in key for key in side) for side in (misfit.file, misfit.network))
    if in_file and not in_network:
        return f"the file is low-rank (linear1, linear2) and {misfit.backbone} is plain; "
    if in_network and not in_file:
        return f"the file is plain and {misfit.backbone} is low-rank (linear1, linear2); "
    return ""


def _low_rank(misfit: Misfit) -> str:
    text = _rank_difference(misfit)
    if not text or not misfit.file.keys() & misfit.network.keys():
        return ""
    if misfit.products_fit:
        advice = (
            "The product of each pair of factors is the layer that computes the same. "
            "Set backbone.multiply_low_rank=true."
        )
    else:
        advice = _nearest(misfit) or "Use the file that was saved from a network of the same kind."
    return f"{text.removesuffix('; ')}. {advice}"


def _other_rank(misfit: Misfit) -> str:
    shapes = [problem for problem in misfit.problems if problem.kind == "wrong_shape"]
    if misfit.kinds != {"wrong_shape"} or not all(".linear" in problem.key for problem in shapes):
        return ""
    first = shapes[0]
    return (
        f"the file's low-rank layers have another rank ({first.key} is {first.found}, the network's is "
        f"{first.expected}): it was made with another ratio. {_nearest(misfit)}"
    )


def _more_than_a_backbone(misfit: Misfit) -> str:
    if misfit.kinds != {"unexpected"}:
        return ""
    first = misfit.problems[0]
    head = next((p for p in misfit.problems if str(misfit.embedding_dim) in p.found.split(" x ")), None)
    what = f"a margin head too ({head.key}, {head.found})" if head else f"more ({first.key}, ...)"
    return (
        f"the file holds the whole backbone and {what}. backbone.allow_partial=true leaves the rest aside; "
        "or save the backbone alone."
    )


def _incomplete(misfit: Misfit) -> str:
    if misfit.kinds != {"missing"}:
        return ""
    modules = list(dict.fromkeys(problem.module for problem in misfit.problems))
    listed = ", ".join(modules[:4]) + (", ..." if len(modules) > 4 else "")
    return f"the file holds only a part of the network; {listed} are not complete in it. Use the whole checkpoint."


def _another_network(misfit: Misfit) -> str:
    if misfit.file.keys() & misfit.network.keys() or max(misfit.fit.values()) > 0.05:
        return ""
    return (
        f"the file belongs to another kind of network: its names are like {', '.join(misfit.names[:3])}, "
        f"{misfit.backbone}'s like {', '.join(list(misfit.network)[:3])}. Set backbone.name to what it was trained as."
    )


def _nearest(misfit: Misfit) -> str:
    best = max(misfit.fit, key=lambda name: misfit.fit[name])
    if misfit.fit[best] < 0.05 or best == _own_candidate(misfit):
        return ""
    return f"The nearest EdgeFace is {best}, with {misfit.fit[best]:.0%} of names and shapes in common."


EXPLANATIONS: tuple[Callable[[Misfit], str], ...] = (
    _non_finite,
    _unknown_prefix,
    _embedding_size,
    _other_variant,
    _more_than_a_backbone,
    _incomplete,
    _other_rank,
    _low_rank,
    _another_network,
    _nearest,
)
