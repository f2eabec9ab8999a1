"""What each cause is called in plain words, beside its id."""

from __future__ import annotations

from collections.abc import Mapping

CAUSE_NAMES: Mapping[str, str] = {
    "weights.missing": "Parts of the backbone were never loaded",
    "weights.nonfinite": "The weight file holds NaN or infinity",
    "input.range": "Pixels are not in the range that the backbone expects",
    "input.constant": "Images are blank, or all the same",
    "embedding.common_mode": "All embeddings share one direction",
    "embedding.collapsed": "Embeddings no longer tell people apart",
    "embedding.alignment_only": "The SR/HR term pulls all faces together",
    "mode.train_eval": "Training and evaluation compute different things",
    "head.not_training": "The head is not trained",
    "backbone.not_training": "The backbone is not trained",
    "head.collapsed": "The class weights have merged",
    "lr.too_high": "The learning rate is too high",
    "lr.too_low": "The learning rate is too low",
    "scale.too_low": "The scale is too low to become sure of anybody",
    "scale.too_high": "The scale is too high",
    "margin.too_large": "The margin is too large",
    "labels.shuffled": "Names do not belong to the faces",
    "labels.split_mismatch": "Training and validation number people differently",
    "labels.out_of_range": "Labels and classes do not match",
    "sampling.single_class": "Batches hold only one or a few people",
    "data.imbalance": "A few people have most of the images",
    "eval.margin": "Accuracy is computed with the margin on",
    "numerics.nonfinite": "NaN or infinity appeared in training",
    "early": "Nothing is wrong, it is early",
}
"""Cause -> what happened, short enough for a heading."""
