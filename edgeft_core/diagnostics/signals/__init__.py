"""Signals: pure functions of tensors, each with formula, range and reference value in its docstring.

``BATCH_SIGNALS`` are computed at every step, ``HEAVY_SIGNALS`` on a schedule. To add one, write the function and
name it here and in :data:`edgeft_core.diagnostics.catalogue.SIGNALS`. This package needs torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from edgeft_core.diagnostics.signals import embeddings, head, logits
from edgeft_core.diagnostics.signals.batch_view import BatchView

__all__ = ["BATCH_SIGNALS", "HEAVY_SIGNALS", "BatchView"]

BATCH_SIGNALS: Mapping[str, Callable[[BatchView], Tensor]] = {
    "emb_norm": lambda b: embeddings.mean_norm(b.emb_BD),
    "collapse_level": lambda b: embeddings.collapse_level(b.z_BD),
    "cos_different": lambda b: embeddings.cos_different(b.z_BD, b.labels_B),
    "logit_mean": lambda b: b.logits_BC.mean(),
    "logit_std_samples": lambda b: logits.std_across_samples(b.logits_BC),
    "logit_std_classes": lambda b: logits.std_across_classes(b.logits_BC),
    "logit_min": lambda b: b.logits_BC.min(),
    "logit_max": lambda b: b.best_B[0].max(),
    "cos_target": lambda b: logits.target_cosine(b.cos_BC, b.labels_B),
    "cos_nontarget": lambda b: logits.nontarget_cosine(b.cos_BC, b.labels_B),
    "prob_top_mean": lambda b: b.top_prob_B.mean(),
    "prob_top_max": lambda b: b.top_prob_B.max(),
    "mutual_information": lambda b: logits.mutual_information(b.log_probs_BC),
}
"""Signal name -> function of one step's tensors, margin off."""

HEAVY_SIGNALS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "effective_rank": lambda z_ND, _: embeddings.effective_rank(z_ND),
    "effective_rank_centred": lambda z_ND, _: embeddings.effective_rank_centred(z_ND),
    "head_cos_mean": lambda _, w_CD: head.mean_cosine(w_CD),
    "head_cos_max": lambda _, w_CD: head.max_cosine(w_CD),
}
"""Signal name -> function of (normalised embeddings of the latest images, normalised class weights)."""
