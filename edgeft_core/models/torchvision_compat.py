"""Make ``import torchvision`` work beside a torch build that its compiled operators do not fit.

The registry's torchvision is built for CUDA. Beside a CPU build of torch its compiled library cannot be
loaded, and ``import torchvision`` (and so ``import timm``) stops at ``operator torchvision::nms does not
exist``: it describes two operators that nobody declared. Declaring their schemas is enough for its
transforms and for all of timm; calling ``nms`` itself would still fail, and nothing here does.

Import this module before timm or torchvision::

    from edgeft_core.models import torchvision_compat  # noqa: F401
    import timm

Where torchvision imports as it is (CUDA beside CUDA, CPU beside CPU) nothing is declared: a declaration made
ahead would clash with the real one of the compiled library.
"""

from __future__ import annotations

import importlib
from typing import Final

import torch

SCHEMA: Final = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
OPERATORS: Final = ("nms", "qnms")

# Schemas live as long as this handle: it must not be collected.
_declarations: torch.library.Library | None = None


def _import_torchvision() -> None:
    global _declarations  # noqa: PLW0603 - declared once per process
    try:
        importlib.import_module("torchvision")
        return
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    # The failed import got no further than asking for the first operator, so it can simply be repeated.
    _declarations = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name in missing_operators():
        _declarations.define(name + SCHEMA)  # type: ignore[no-untyped-call]
    importlib.import_module("torchvision")


def missing_operators() -> tuple[str, ...]:
    """Those of the two operators that are not declared in this process."""
    return tuple(name for name in OPERATORS if not hasattr(torch.ops.torchvision, name))


def is_patched() -> bool:
    """Whether this process runs on declared schemas instead of torchvision's compiled operators."""
    return _declarations is not None


_import_torchvision()
