"""Checks that need the network: weights, embeddings of a few faces, memory. This package needs torch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch

from edgeft_core.diagnostics.case import Finding
from edgeft_core.preflight.network_checks.embeddings import embeddings
from edgeft_core.preflight.network_checks.labels import same_person, split_agreement
from edgeft_core.preflight.network_checks.memory import memory
from edgeft_core.preflight.network_checks.sample import NetworkSample
from edgeft_core.preflight.network_checks.weights import weights
from edgeft_core.preflight.report import Passed

__all__ = ["NETWORK_CHECKS", "NetworkSample", "few_threads"]

NETWORK_CHECKS: Mapping[str, Callable[[NetworkSample], Iterator[Finding | Passed]]] = {
    "Weights": weights,
    "Embeddings": embeddings,
    "Names and faces": same_person,
    "Training and validation": split_agreement,
    "Memory": memory,
}
"""Title -> check, in the order in which they run."""


@contextmanager
def few_threads() -> Iterator[None]:
    """Half of the cores for torch: a run may be at work, and threads that wait for each other slow both down."""
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(before, (os.cpu_count() or 2) // 2)))
    try:
        yield
    finally:
        torch.set_num_threads(before)
