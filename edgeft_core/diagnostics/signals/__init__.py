"""Signals: pure functions of tensors, each with formula, range and reference value in its docstring.

``BATCH_SIGNALS`` are computed at every step, ``EMBEDDING_SIGNALS`` too where the backbone trains, the heavier ones on a
schedule. To add one, write the function and name it here and in :data:`edgeft_core.diagnostics.catalogue.SIGNALS`.
This package needs torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from edgeft_core.diagnostics.signals import changes, embeddings, head, logits, pixels
from edgeft_core.diagnostics.signals.batch_view import BatchView, EmbeddingView

__all__ = [
    "BATCH_SIGNALS",
    "CHANGE_SIGNALS",
    "EMBEDDING_SIGNALS",
    "INPUT_SIGNALS",
    "MARGIN_SIGNALS",
    "PROTOTYPE_SIGNALS",
    "SPREAD_SIGNALS",
    "BatchView",
    "EmbeddingView",
]

BATCH_SIGNALS: Mapping[str, Callable[[BatchView], Tensor]] = {
    "logit_mean": lambda b: b.mean_logit,
    "logit_std_samples": lambda b: logits.std_across_samples(b.logits_BC),
    "logit_std_classes": lambda b: logits.std_across_classes(b.logits_BC),
    "logit_min": lambda b: b.logits_BC.amin(dim=(-2, -1)),
    "logit_max": lambda b: b.top_logit_B.amax(dim=-1),
    "cos_target": lambda b: b.own_cos_B.mean(dim=-1),
    "cos_nontarget": lambda b: logits.nontarget_mean(b.mean_logit, b.own_logit_B, b.n_classes) / b.s_eff,
    "prob_top_mean": lambda b: b.top_prob_B.mean(dim=-1),
    "prob_top_max": lambda b: b.top_prob_B.amax(dim=-1),
    "mutual_information": lambda b: logits.mutual_information(b.probs_BC, b.logits_BC, b.normaliser_B),
    "saturated_share": lambda b: logits.saturated_share(b.top_prob_B),
    "beyond_pi_share": lambda b: logits.beyond_pi_share(b.own_cos_B, b.margin_rad),
    "own_logit_gap": lambda b: logits.own_logit_gap(b.own_cos_B, b.own_logit_B, b.s_eff),
}
"""Signal name -> function of one step's tensors (or several steps': one number each), margin off."""

EMBEDDING_SIGNALS: Mapping[str, Callable[[EmbeddingView], Tensor]] = {
    "emb_norm": lambda e: e.length_B.mean(dim=-1),
    "collapse_level": lambda e: embeddings.collapse_level(e.z_BD),
    "cos_different": lambda e: embeddings.cos_different(e.z_BD, e.labels_B),
}
"""Signal name -> function of one step's embeddings (or several steps': one number each)."""

MARGIN_SIGNALS: Mapping[str, Callable[[BatchView, Tensor], Tensor]] = {
    "top1_margin": lambda b, own_B: logits.top1_with_margin(b.s_eff * own_B, b.rival_logit_B),
}
"""Signal name -> function of one step's tensors and the cosine to the own class after the margin."""

SPREAD_SIGNALS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "effective_rank": embeddings.effective_rank,
    "effective_rank_centred": embeddings.effective_rank_centred,
    "uniformity": embeddings.uniformity,
}
"""Signal name -> function of the normalised embeddings of the latest images, now and then."""

PROTOTYPE_SIGNALS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "head_cos_mean": head.mean_cosine,
    "head_cos_max": head.max_cosine,
}
"""Signal name -> function of the normalised class weights, now and then."""

CHANGE_SIGNALS: Mapping[str, Callable[[Sequence[Tensor], Sequence[Tensor]], Tensor]] = {
    "update_ratio": changes.update_ratio,
    "unchanged": changes.unchanged_share,
}
"""Signal name -> function of a group's parameters before and after a step; recorded as ``<name>_<group>``."""

INPUT_SIGNALS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "input_mean": pixels.mean,
    "input_std": pixels.deviation,
    "input_std_images": pixels.deviation_across_images,
    "input_min": lambda images_B3HW: images_B3HW.min(),
    "input_max": lambda images_B3HW: images_B3HW.max(),
}
"""Signal name -> function of the normalised images of one batch, at the start of every stage."""
