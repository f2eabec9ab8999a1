"""Probes: small experiments on a run's own data and weights. They never change the run. This package needs torch.

To add one, write ``probe(context, tell) -> ProbeResult`` in a module of its own and name it here and in
``docs/probes.md``. A probe that cannot run raises an :class:`~edgeft_core.errors.EdgeFTError` that says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgeft_core.diagnostics.case import ProbeResult
from edgeft_core.diagnostics.probes import (
    head_replays,
    labels,
    memorise,
    nearest_class_mean,
    nonfinite,
    normalisation,
    parameters,
    train_eval,
    weights_random,
)
from edgeft_core.diagnostics.probes.context import ProbeContext, Tell

__all__ = ["PROBES", "Probe", "ProbeContext"]

Probe = Callable[[ProbeContext, Tell], ProbeResult]

PROBES: Mapping[str, Probe] = {
    "nonfinite": nonfinite.probe,
    "parameters": parameters.probe,
    "normalisation": normalisation.probe,
    "weights_random": weights_random.probe,
    "train_eval": train_eval.probe,
    "nearest_class_mean": nearest_class_mean.probe,
    "labels": labels.probe,
    "memorise": memorise.probe,
    "head_replays": head_replays.probe,
}
"""Name -> experiment, in the order in which they run: quick ones first."""
