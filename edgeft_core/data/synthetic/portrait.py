"""Draw portraits: a person (who) in a shot (how taken) becomes pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgeft_core.data.synthetic import features, finish, head
from edgeft_core.data.synthetic.canvas import Frame, blend, cover
from edgeft_core.data.synthetic.identity import Identity, make_identity
from edgeft_core.data.synthetic.shot import Shot, make_shot

GENERATOR_VERSION = 2
"""Raised whenever the same seed no longer gives the same pictures; part of the name of every cache file."""


def draw_faces(
    identities: Sequence[int] | NDArray[np.integer],
    indices: Sequence[int] | NDArray[np.integer],
    *,
    seed: int = 0,
    px: int = 112,
) -> NDArray[np.uint8]:
    """Draw picture `indices[i]` of person `identities[i]`: uint8 (N, px, px, 3), RGB.

    A picture depends on (seed, identity, index, px) only, never on the others of the batch.

    Raises ValueError when the two sequences differ in length, hold negative numbers, or px < 16.
    """
    people = np.asarray(identities, dtype=np.int64).reshape(-1)
    shots = np.asarray(indices, dtype=np.int64).reshape(-1)
    if people.shape != shots.shape:
        raise ValueError(f"{people.size} identities but {shots.size} indices: give one index per identity")
    if px < 16 or seed < 0 or (people.size and min(people.min(), shots.min()) < 0):
        raise ValueError("px must be at least 16; seed, identities and indices must not be negative")
    images = np.empty((people.size, px, px, 3), np.uint8)
    for row, (person, shot) in enumerate(zip(people.tolist(), shots.tolist(), strict=True)):
        images[row] = _draw(make_identity(seed, person), make_shot(seed, person, shot), px)
    return images


def _draw(person: Identity, shot: Shot, px: int) -> NDArray[np.uint8]:
    frame = Frame(shot.pose, person.head_width, px)
    image = head.background(shot, px)
    hair = head.HairLayer(frame, person)
    if person.hair.bun:
        hair.draw_bun(image, frame, person)
    if person.hair.coverage == 1.0:
        hair.draw_behind(image)
    figure = head.draw_neck(image, frame, person, shot.clothes)
    head.draw_ears(image, frame, person)
    outline = cover(head.head_distance(frame, person), frame.sharpness)
    blend(image, head.WHOLE, outline, person.skin)
    features.draw_skin_tones(image, frame, person)
    if person.beard is not None:
        features.draw_beard(image, frame, person, person.beard, outline)
    features.draw_nose(image, frame, person)
    features.draw_mouth(image, frame, person, shot.expression)
    features.draw_eyes(image, frame, person, shot.expression)
    features.draw_brows(image, frame, person, shot.expression)
    hair.draw_in_front(image, frame, person)
    if person.glasses is not None:
        features.draw_glasses(image, frame, person, person.glasses)
    np.maximum(figure, outline, out=figure)
    if person.hair.coverage:
        np.maximum(figure, hair.outline, out=figure)
    finish.light_scene(image, frame, person, shot.light, figure)
    return finish.develop(image, shot)
