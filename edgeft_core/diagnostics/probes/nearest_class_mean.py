"""Do the embeddings know who is who? The nearest class mean needs no trained head."""

from __future__ import annotations

import torch
from torch.nn.functional import normalize

from edgeft_core.diagnostics.case import ProbeResult
from edgeft_core.diagnostics.probes.context import LabelledEmbeddings, ProbeContext, Tell
from edgeft_core.errors import DataError
from edgeft_core.evaluation.identification import Identification, nearest_class_mean
from edgeft_core.evaluation.similarity import similarity


@torch.no_grad()
def probe(context: ProbeContext, tell: Tell) -> ProbeResult:
    """Name validation images by the most similar class mean of training images, with and without centring."""
    gallery, scored = context.learned, context.scored
    if not len(scored.rows_N):
        raise DataError("None of the identities looked at has a validation image.")
    tell("Nearest class mean", 0, 1)
    plain, centred = (_scores(context, gallery, scored, centre=centre) for centre in (False, True))
    z_ND = normalize(torch.cat([gallery.emb_ND, scored.emb_ND]), dim=1)
    cosines = similarity(z_ND, torch.cat([gallery.labels_N, scored.labels_N]))
    classes = len(torch.unique(gallery.labels_N))
    values = {
        "ncm_top1": plain.top1,
        "ncm_top5": plain.top5,
        "ncm_top1_centred": centred.top1,
        "ncm_top5_centred": centred.top5,
        "chance": 1.0 / classes,
        "classes": float(classes),
        "gallery_images": float(len(gallery.rows_N)),
        "scored_images": float(len(scored.rows_N)),
        "max_class_share": plain.max_class_share,
        **cosines.as_dict(),
    }
    text = (
        f"The nearest class mean is right for {plain.top1:.1%} of {len(scored.rows_N)} validation images, for "
        f"{centred.top1:.1%} with the mean embedding removed (chance {1 / classes:.1%})."
    )
    return ProbeResult("nearest_class_mean", values, text)


def _scores(
    context: ProbeContext, gallery: LabelledEmbeddings, scored: LabelledEmbeddings, *, centre: bool
) -> Identification:
    """Among the identities that are in the gallery: others could not be found."""
    place = torch.full((context.n_classes,), -1)
    people = torch.unique(gallery.labels_N)
    place[people] = torch.arange(len(people))
    return nearest_class_mean(
        normalize(gallery.emb_ND, dim=1),
        place[gallery.labels_N],
        normalize(scored.emb_ND, dim=1),
        place[scored.labels_N],
        len(people),
        centre=centre,
    )
