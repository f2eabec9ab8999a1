"""What each recorded number is called, means and is compared with: one table for screen, docs and command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["", "share", "classes", "rad", "images/s", "MiB", "nats"]


@dataclass(frozen=True)
class Signal:
    """One recorded series.

    Attributes:
        unit: "share" is shown as percent.
        meaning: one sentence for the hover.
        reference: what to compare it with, in words.
    """

    title: str
    unit: Unit
    meaning: str
    reference: str = ""


SIGNALS: dict[str, Signal] = {
    # loss and optimisation
    "loss": Signal(
        "Loss", "nats", "Cross-entropy with margin, scale and temperature in force.", "ln C = guessing"
    ),
    "loss_contrastive": Signal(
        "SR/HR term", "", "Mean of 1 - cos(SR, HR); only pulls pairs together.", "0 = identical"
    ),
    "lr_head": Signal("Head learning rate", "", "Learning rate of the head in this step."),
    "lr_backbone": Signal("Backbone learning rate", "", "Learning rate of the backbone in this step."),
    "grad_norm_head": Signal(
        "Gradient norm, head", "", "Norm of the head's gradient before clipping.", "0 = not trained"
    ),
    "grad_norm_backbone": Signal(
        "Gradient norm, backbone", "", "Norm of the backbone's gradient before clipping.", "0 = frozen"
    ),
    "update_ratio_head": Signal(
        "Update ratio, head",
        "",
        "How far one step moved the head's weights, relative to their length.",
        "0 = not trained, above 1e-2 = too hot",
    ),
    "update_ratio_backbone": Signal(
        "Update ratio, backbone",
        "",
        "How far one step moved the backbone's weights, relative to their length.",
        "0 = not trained, above 1e-2 = too hot",
    ),
    "unchanged_head": Signal(
        "Unchanged, head",
        "share",
        "Share of the head's weights that a step left as they were.",
        "100 % = not trained",
    ),
    "unchanged_backbone": Signal(
        "Unchanged, backbone",
        "share",
        "Share of the backbone's weights that a step left as they were.",
        "100 % = not trained",
    ),
    "contrastive_gradient_share": Signal(
        "SR/HR share of the gradient",
        "share",
        "How much of the pull at the embeddings comes from the SR/HR term, which has nothing that pushes apart.",
        "50 % = as strong as the head",
    ),
    "amp_scale": Signal(
        "Mixed-precision scale", "", "Factor of the loss under mixed precision; it falls with every overflow."
    ),
    # what the backbone is fed with
    "input_mean": Signal(
        "Pixel mean", "", "Mean of the normalised pixels of a stage's first batch.", "about 0 for -1 to 1"
    ),
    "input_std": Signal(
        "Pixel std",
        "",
        "Standard deviation of the normalised pixels.",
        "about .5 for -1 to 1, 60 for 0 to 255",
    ),
    "input_std_images": Signal(
        "Pixel std between images",
        "",
        "How much one pixel varies between images.",
        "0 = all images are the same",
    ),
    "input_min": Signal("Smallest pixel", "", "Smallest normalised pixel of a stage's first batch."),
    "input_max": Signal("Largest pixel", "", "Largest normalised pixel of a stage's first batch."),
    # embeddings
    "emb_norm": Signal("Embedding norm", "", "Mean length of the embeddings before normalisation."),
    "collapse_level": Signal(
        "Collapse level",
        "",
        "1 - sqrt(d) x mean std of the normalised embedding's coordinates: 0 spread evenly, 1 all faces on one point.",
        ".30 at mean cosine .5, .69 at .9, .90 at .99",
    ),
    "cos_same_image": Signal(
        "Same image, SR to HR", "", "Cosine of the enlarged and the original face; high says nothing alone."
    ),
    "cos_different": Signal(
        "Different people",
        "",
        "Mean cosine between faces of different people; near 1 = collapsed. "
        "Of a frozen backbone, in every sixteenth batch.",
        "0 = unrelated",
    ),
    # logits and probabilities, margin off
    "logit_mean": Signal("Logit mean", "", "Mean of all logits s x cos / T, margin off."),
    "logit_std_samples": Signal(
        "Logit std across samples",
        "",
        "How much one class's logit varies between faces; 0 = the input is ignored.",
        "random directions: s / (T sqrt d)",
    ),
    "logit_std_classes": Signal(
        "Logit std across classes",
        "",
        "How much the logits of one face vary between classes; this is mostly scale.",
        "random directions: s / (T sqrt d)",
    ),
    "logit_min": Signal("Smallest logit", "", "Smallest logit of the batch."),
    "logit_max": Signal("Largest logit", "", "Largest logit of the batch."),
    "cos_target": Signal(
        "Cosine to own class", "", "Mean cosine of a face and its own class weight.", "1 = learned"
    ),
    "cos_nontarget": Signal(
        "Cosine to other classes", "", "Mean cosine of a face and all other class weights.", "0 = unrelated"
    ),
    "prob_top_mean": Signal("Mean top probability", "share", "Mean probability of the predicted class."),
    "prob_top_max": Signal(
        "Largest probability", "share", "Largest probability in the batch.", "reach of s / T"
    ),
    "mutual_information": Signal(
        "Mutual information",
        "nats",
        "Entropy of the mean prediction minus mean entropy; near 0 = predictions ignore the input.",
        "at most ln C",
    ),
    "saturated_share": Signal(
        "Saturated",
        "share",
        "Share of images whose predicted class has more than 99 % probability; fine only where it is right.",
    ),
    "beyond_pi_share": Signal(
        "Beyond the margin's reach", "share", "Share of images with angle plus margin above 180 degrees.", "0"
    ),
    "own_logit_gap": Signal(
        "Margin inside the scores", "", "What was taken off the own class before scoring.", "0 = margin off"
    ),
    # predictions
    "top1": Signal(
        "Top-1 of the batch", "share", "Share of the batch whose best class is right, margin off.", "1 / C"
    ),
    "top5": Signal(
        "Top-5 of the batch", "share", "Share of the batch whose class is among the best five.", "5 / C"
    ),
    "top1_margin": Signal(
        "Top-1 with margin",
        "share",
        "Top-1 as the loss sees it; it rises long after plain Top-1.",
        "at most Top-1",
    ),
    "batch_label_classes": Signal(
        "Classes in the batch",
        "classes",
        "exp(entropy) of the batch's labels: few classes mean sorted or repeated data.",
        "of a well mixed batch: nearly its size, or C",
    ),
    "top1_running": Signal("Top-1", "share", "Top-1 over the latest images (the window).", "1 / C"),
    "top5_running": Signal("Top-5", "share", "Top-5 over the latest images (the window).", "5 / C"),
    "max_class_share": Signal(
        "Largest class",
        "share",
        "Share of the window's predictions that fall on the most predicted class.",
        "99.9 % quantile of guessing",
    ),
    "label_max_share": Signal(
        "Largest label", "share", "Share of the window's labels of the most frequent class."
    ),
    "effective_classes": Signal(
        "Effective classes",
        "classes",
        "exp(entropy) of the window's predictions: 1 = collapse, C = spread evenly.",
    ),
    "unique_classes": Signal(
        "Classes predicted", "classes", "How many classes the window's predictions contain."
    ),
    "window_images": Signal("Window", "", "Predictions in the window."),
    # settings in force
    "scale": Signal("Scale s", "", "Scale in force."),
    "margin_rad": Signal("Margin m", "rad", "Margin in force."),
    "temperature": Signal("Temperature T", "", "Temperature in force."),
    "centre": Signal("Centring", "", "1 = the running mean embedding is subtracted."),
    # heavy
    "effective_rank": Signal(
        "Effective rank", "", "exp(entropy) of the embeddings' singular values.", "at most min(N, d)"
    ),
    "effective_rank_centred": Signal(
        "Effective rank, centred", "", "The same with the mean embedding removed."
    ),
    "uniformity": Signal(
        "Uniformity", "", "log mean exp(-2 distance^2) of all pairs: 0 = one point.", "-3.98 = spread evenly"
    ),
    "head_cos_mean": Signal(
        "Class weights, mean cosine", "", "Mean cosine between class weights.", "0 = unrelated"
    ),
    "head_cos_max": Signal(
        "Class weights, largest cosine", "", "Largest cosine between two class weights.", "1 = merged"
    ),
    # speed
    "images_per_s": Signal("Images per second", "images/s", "Training speed over the last seconds."),
    "device_memory_mib": Signal(
        "Device memory", "MiB", "Memory that torch holds on the device (process memory on CPU)."
    ),
    # validation
    "val_loss": Signal("Validation loss", "nats", "Cross-entropy without margin."),
    "val_top1": Signal(
        "Validation Top-1", "share", "On images that were not trained on, margin off.", "1 / C"
    ),
    "val_top5": Signal(
        "Validation Top-5", "share", "On images that were not trained on, margin off.", "5 / C"
    ),
    "val_max_class_share": Signal("Validation, largest class", "share", "Share of the most predicted class."),
    "val_effective_classes": Signal(
        "Validation, effective classes", "classes", "exp(entropy) of the predictions."
    ),
    "val_unique_classes": Signal("Validation, classes predicted", "classes", "Classes ever predicted."),
    "val_cos_same_image": Signal(
        "Same image, SR to HR", "", "Cosine of enlarged and original validation faces."
    ),
    "val_cos_same": Signal("Same person", "", "Mean cosine between different images of one person."),
    "val_cos_different": Signal("Different people", "", "Mean cosine between faces of different people."),
    "val_d_prime": Signal(
        "d'",
        "",
        "Distance of same-person and different-people cosines in standard deviations.",
        "0 = no identity information",
    ),
}
# The test at the end measures what validation does.
SIGNALS |= {
    name.replace("val_", "test_", 1): Signal(
        one.title.replace("Validation", "Test"), one.unit, one.meaning, one.reference
    )
    for name, one in SIGNALS.items()
    if name.startswith("val_")
}
