"""Checks that need the network: weights, embeddings of a few faces, memory. This package needs torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from edgeft_core.diagnostics.case import Finding
from edgeft_core.diagnostics.probes.faces import few_threads
from edgeft_core.preflight.network_checks.embeddings import embedding_spread
from edgeft_core.preflight.network_checks.labels import same_person, split_agreement
from edgeft_core.preflight.network_checks.memory import training_memory
from edgeft_core.preflight.network_checks.sample import NetworkSample
from edgeft_core.preflight.network_checks.weights import weights_account
from edgeft_core.preflight.report import Passed

__all__ = ["NETWORK_CHECKS", "NetworkSample", "few_threads"]

NETWORK_CHECKS: Mapping[str, Callable[[NetworkSample], Iterator[Finding | Passed]]] = {
    "Weights": weights_account,
    "Embeddings": embedding_spread,
    "Names and faces": same_person,
    "Training and validation": split_agreement,
    "Memory": training_memory,
}
"""Title -> check, in the order in which they run."""
