"""What the lab looks at: the cosines of a bounded set of images, with and without the shared direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeft_core.errors import DataError
from edgeft_core.events import EmbeddingsTaken, FloatArray, IntArray

IMAGES_AT_MOST = 1000
COSINES_AT_MOST = 600_000
"""So many a browser computes anew within a twentieth of a second: 1 000 images over 518 classes."""

IMAGES_AT_LEAST = 64
SHORTEST = 1e-3
"""A centred embedding shorter than this is rounding noise, see ``models.heads.centring``."""


@dataclass(frozen=True)
class LabSample:
    """Images as the lab sees them.

    Attributes:
        step: the weights are those after this step; 0 before training.
        dim: coordinates of an embedding.
        cos_NC, centred_NC: cosines without and with centring, float32.
        rival_N, centred_rival_N: angle between the own class weight and the strongest rival's, in radians.
        total: images that the set holds.
        left_out: images whose embedding is not finite.
    """

    step: int
    dim: int
    labels_N: IntArray
    cos_NC: FloatArray
    centred_NC: FloatArray
    rival_N: FloatArray
    centred_rival_N: FloatArray
    total: int
    left_out: int

    @property
    def images(self) -> int:
        return len(self.labels_N)

    @property
    def n_classes(self) -> int:
        return int(self.cos_NC.shape[1])


def lab_sample(taken: EmbeddingsTaken, n_classes: int = 0) -> LabSample:
    """The cosines of at most ``IMAGES_AT_MOST`` images, evenly spaced; fewer where there are very many classes.

    Args:
        n_classes: as many as the run says that it has; 0 where nobody knows.

    Raises:
        DataError: they cannot be looked at; says why and what to do.
    """
    _refuse_misfits(taken, n_classes)
    finite_N = np.isfinite(taken.z_ND).all(axis=1)
    if not finite_N.any() or not np.isfinite(taken.w_CD).all():
        what = "class weight" if finite_N.any() else "embedding"
        raise DataError(
            f"The {what}s of step {taken.step} are not finite (NaN or infinite): there is nothing to compute. "
            "Diagnose the run to learn where that began, and go on from a checkpoint before it."
        )
    rows = _spread(np.flatnonzero(finite_N), images_for(len(taken.w_CD)))
    z_ND, labels_N = taken.z_ND[rows], taken.labels_N[rows].astype(np.int64)
    cos_NC = cosines(z_ND, taken.w_CD)
    centred_NC = cosines(centred(z_ND, taken.mean_D), taken.w_CD)
    return LabSample(
        step=taken.step,
        dim=int(z_ND.shape[1]),
        labels_N=labels_N,
        cos_NC=cos_NC,
        centred_NC=centred_NC,
        rival_N=rival_angle(cos_NC, labels_N, taken.w_CD),
        centred_rival_N=rival_angle(centred_NC, labels_N, taken.w_CD),
        total=taken.total,
        left_out=int((~finite_N).sum()),
    )


def images_for(n_classes: int) -> int:
    """How many images a lab over ``n_classes`` classes looks at."""
    return int(np.clip(COSINES_AT_MOST // max(1, n_classes), IMAGES_AT_LEAST, IMAGES_AT_MOST))


def cosines(z_ND: FloatArray, w_CD: FloatArray) -> FloatArray:
    """z . w for unit vectors, clipped to [-1, 1]; float32."""
    cos_NC: FloatArray = np.clip(z_ND @ w_CD.T, -1.0, 1.0).astype(np.float32)
    return cos_NC


def centred(z_ND: FloatArray, mean_D: FloatArray) -> FloatArray:
    """Unit vectors with the mean subtracted, normalised again, as the heads do it."""
    moved_ND = z_ND - mean_D
    length_N1 = np.linalg.norm(moved_ND, axis=1, keepdims=True)
    unit_ND: FloatArray = (moved_ND / np.maximum(length_N1, SHORTEST)).astype(np.float32)
    return unit_ND


def rival_angle(cos_NC: FloatArray, labels_N: IntArray, w_CD: FloatArray) -> FloatArray:
    """Angle between each image's own class weight and the weight of its strongest rival, radians."""
    rivals_N = strongest_rival(cos_NC, labels_N)
    cos_N = np.einsum("nd,nd->n", w_CD[labels_N], w_CD[rivals_N])
    angle_N: FloatArray = np.arccos(np.clip(cos_N, -1.0, 1.0)).astype(np.float32)
    return angle_N


def strongest_rival(cos_NC: FloatArray, labels_N: IntArray) -> IntArray:
    """The class, other than the own one, with the largest cosine."""
    others_NC = cos_NC.copy()
    others_NC[np.arange(len(labels_N)), labels_N] = -np.inf
    rivals_N: IntArray = others_NC.argmax(axis=1)
    return rivals_N


def _refuse_misfits(taken: EmbeddingsTaken, n_classes: int) -> None:
    classes, dim = taken.w_CD.shape
    if n_classes and classes != n_classes:
        raise DataError(
            f"The kept embeddings belong to a head over {classes} classes, but this run has {n_classes}: they were "
            "written for other data. Read the checkpoint instead, or start the run again."
        )
    if classes < 2:
        raise DataError(
            "A head over one class always predicts it: there is nothing to compare. Add identities."
        )
    if not len(taken.labels_N):
        raise DataError("The set holds no image whose person is trained: look at another set.")
    if taken.z_ND.shape != (len(taken.labels_N), dim) or taken.mean_D.shape != (dim,):
        raise DataError(
            f"Embeddings {taken.z_ND.shape}, labels {taken.labels_N.shape} and class weights {taken.w_CD.shape} do "
            "not fit together. Read the checkpoint instead."
        )
    if int(taken.labels_N.min()) < 0 or int(taken.labels_N.max()) >= classes:
        raise DataError(
            f"A label is {int(taken.labels_N.max())}, but the head has {classes} classes (0 to {classes - 1}): the "
            "data has changed since the run. Read the checkpoint with the data that it was trained on."
        )


def _spread(rows: IntArray, limit: int) -> IntArray:
    """At most ``limit`` of the rows, evenly spaced."""
    if len(rows) <= limit:
        return rows
    places: IntArray = np.linspace(0, len(rows) - 1, limit).round().astype(np.int64)
    return rows[places]
