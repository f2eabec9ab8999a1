"""Checks before any training: data, settings, weights and the embeddings of a few faces, in seconds.

This package loads without torch; :mod:`edgeft_core.preflight.network_checks` needs it. To add a check, write a
generator of findings and name it here (or there).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from edgeft_core.diagnostics.case import Finding
from edgeft_core.preflight.data_checks.duplicates import duplicates
from edgeft_core.preflight.data_checks.identities import batches, few_images, imbalance, makeup
from edgeft_core.preflight.data_checks.names import split_names
from edgeft_core.preflight.data_checks.pixels import constant, pixel_range, unreadable
from edgeft_core.preflight.report import Passed, PreflightReport
from edgeft_core.preflight.settings_checks.head import first_loss, margin, reach
from edgeft_core.preflight.settings_checks.rates import pull, rates
from edgeft_core.preflight.settings_checks.space import disk
from edgeft_core.preflight.subject import Subject

__all__ = ["DATA_CHECKS", "SETTINGS_CHECKS", "Check", "Passed", "PreflightReport", "Subject"]

Check = Callable[[Subject], Iterator[Finding | Passed]]

SETTINGS_CHECKS: Mapping[str, Check] = {
    "Scale and temperature": reach,
    "Margin": margin,
    "First loss": first_loss,
    "Learning rates": rates,
    "SR/HR term": pull,
    "Disk": disk,
}
"""Title -> check, in the order in which they run; they cope without a data set."""

DATA_CHECKS: Mapping[str, Check] = {
    "Unreadable images": unreadable,
    "Images per identity": few_images,
    "Imbalance": imbalance,
    "Batches": batches,
    "Sizes and colours": makeup,
    "Flat images": constant,
    "Pixel range": pixel_range,
    "Duplicates": duplicates,
}
"""Title -> check of an opened data set."""

NAME_CHECKS: Mapping[str, Check] = {"Names in the split": split_names}
"""Title -> check that looks at file names only, so that it can say why a data set cannot be opened."""
