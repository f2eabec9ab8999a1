"""The features of a face, each drawn inside its own small box of the picture."""

from __future__ import annotations

import numpy as np

from edgeft_core.data.synthetic.canvas import FloatArray, Frame, blend, cover
from edgeft_core.data.synthetic.identity import Beard, Glasses, Identity
from edgeft_core.data.synthetic.shot import Expression

_SIDES = (-1.0, 1.0)
_ONE = np.float32(1.0)
_ZERO = np.float32(0.0)
_SCLERA = np.array((0.93, 0.92, 0.90), np.float32)
_DARK = np.array((0.10, 0.07, 0.07), np.float32)
_MOUTH_INSIDE = np.array((0.28, 0.08, 0.09), np.float32)
_TEETH = np.array((0.93, 0.91, 0.87), np.float32)


def _bump(x: FloatArray, y: FloatArray, reach_x: float, reach_y: float) -> FloatArray:
    """A soft round hill of height 1 that is exactly zero outside its reach (a box of that reach holds it all)."""
    radius = x * np.float32(1 / reach_x)
    radius *= radius
    other = y * np.float32(1 / reach_y)
    other *= other
    radius += other
    hill: FloatArray = np.maximum(_ONE - radius, _ZERO)
    hill *= hill
    return hill


def darken(
    image: FloatArray,
    frame: Frame,
    place: tuple[float, float],
    reach: tuple[float, float],
    colour: FloatArray | float,
) -> None:
    """Multiply by a grey or a colour (3,) that fades out to the edge of an ellipse around a face point."""
    box = frame.box(*place, *reach)
    x, y = frame.local(box, *place)
    hill = _bump(x, y, *reach)
    if isinstance(colour, float):
        hill *= np.float32(colour - 1)
        hill += _ONE
        image[:, box[0], box[1]] *= hill
    else:
        image[:, box[0], box[1]] *= _ONE + hill * (colour - _ONE)[:, None, None]


def draw_skin_tones(image: FloatArray, frame: Frame, person: Identity) -> None:
    """Cheek colour, shadows under brows and chin, folds that come with age, freckles and moles."""
    warm = np.array((1.0, 1 - 0.5 * person.blush, 1 - 0.45 * person.blush), np.float32)
    fold = 1 - 0.35 * person.age
    hollow = 1 - 0.30 * person.cheekbone
    eyes = person.eyes
    for side in _SIDES:
        darken(image, frame, (side * 0.40 * person.head_width / 0.76, 0.36), (0.28, 0.22), warm)
        darken(image, frame, (side * 0.56 * person.head_width / 0.76, 0.52), (0.20, 0.26), hollow)
        darken(image, frame, (side * eyes.spacing, eyes.height), (0.30, 0.17), 0.84)
        if person.age > 0.1:
            darken(image, frame, (side * (person.mouth.width * 0.72 + 0.09), 0.47), (0.055, 0.20), fold)
            darken(image, frame, (side * eyes.spacing, eyes.height + 0.15), (0.17, 0.045), fold)
    if person.age > 0.45:
        for v in (-0.42, -0.33):
            darken(image, frame, (0.0, v), (0.38, 0.028), 1 - 0.22 * person.age)
    darken(
        image,
        frame,
        (0.0, person.mouth.height + person.mouth.lower + 0.07),
        (0.2, 0.05),
        0.84,
    )
    if person.freckles:
        _draw_freckles(image, frame, person)
    for u, v, size in person.moles:
        darken(image, frame, (u, v), (size * 1.7, size * 1.7), 0.1)


def _draw_freckles(image: FloatArray, frame: Frame, person: Identity) -> None:
    box = frame.box(0.0, 0.28, 0.5, 0.2)
    x, y = frame.local(box, 0.0, 0.28)
    dots = np.sin(x * np.float32(71.0) + np.sin(y * np.float32(47.0)) * np.float32(1.7)) * np.sin(
        y * np.float32(63.0) + x * np.float32(19.0)
    )
    dots = np.maximum(dots - np.float32(0.35), _ZERO) * _bump(x, y, 0.6, 0.24)
    image[:, box[0], box[1]] *= _ONE - dots * np.array((0.6, 0.9, 1.0), np.float32)[
        :, None, None
    ] * np.float32(person.freckles)


def draw_eyes(image: FloatArray, frame: Frame, person: Identity, expression: Expression) -> None:
    """White, iris, pupil, glint, upper lash line and lid crease of both eyes."""
    eyes = person.eyes
    opening = eyes.opening * min(expression.eye_open, 1.15) * (1 - 0.18 * max(expression.smile, 0.0))
    for side in _SIDES:
        centre = (side * eyes.spacing, eyes.height)
        box = frame.box(*centre, eyes.width * 1.3, eyes.width * 1.1)
        x, y = frame.local(box, *centre, eyes.tilt_rad * side)
        along = x * np.float32(1 / eyes.width)
        arch = _ONE - along * along
        upper = y + arch * np.float32(opening)
        lower = arch * np.float32(opening * 0.75) - y
        inside = cover(np.minimum(upper, lower), frame.sharpness)
        blend(image, box, inside, _SCLERA)
        gaze_x = x - np.float32(expression.gaze_u * eyes.width * 0.6)
        gaze_y = y - np.float32(expression.gaze_v * opening - 0.12 * opening)
        radius = np.sqrt(gaze_x * gaze_x + gaze_y * gaze_y)
        iris = cover(np.float32(eyes.iris_radius) - radius, frame.sharpness) * inside
        blend(image, box, iris, eyes.iris)
        pupil = cover(np.float32(eyes.iris_radius * 0.46) - radius, frame.sharpness) * inside
        blend(image, box, pupil, _DARK)
        glint = _bump(gaze_x + np.float32(0.025), gaze_y + np.float32(0.03), 0.034, 0.034) * inside
        blend(image, box, glint, _SCLERA)
        width = np.float32(0.012 + 0.022 * eyes.lash)
        lash = cover(
            np.minimum(width - np.abs(upper), arch * np.float32(0.2) + np.float32(0.02)), frame.sharpness
        )
        blend(image, box, lash * np.float32(0.55 + 0.4 * eyes.lash), _DARK)
        crease = np.maximum(_ONE - np.abs(upper + np.float32(0.055)) * np.float32(35.0), _ZERO) * np.maximum(
            arch, _ZERO
        )
        image[:, box[0], box[1]] *= _ONE - crease * np.float32(0.6 * eyes.crease)


def draw_brows(image: FloatArray, frame: Frame, person: Identity, expression: Expression) -> None:
    """Two arches that thin out towards the temples."""
    brows, eyes = person.brows, person.eyes
    colour = person.hair.colour * np.float32(0.62)
    lift = 0.035 * expression.brow_raise
    for side in _SIDES:
        centre = (side * (eyes.spacing + 0.01), eyes.height - brows.gap - lift)
        box = frame.box(*centre, brows.length * 1.15, 0.22)
        x, y = frame.local(box, *centre)
        along = x * np.float32(side / brows.length)
        curve = y - along * np.float32(brows.tilt * brows.length * side * side)
        curve += (_ONE - along * along) * np.float32(brows.arch * 0.07)
        thickness = (np.float32(1.15) - along * np.float32(0.5)) * np.float32(brows.thickness)
        thickness *= np.clip((_ONE - np.abs(along)) * np.float32(3.5), _ZERO, _ONE)
        mask = cover(thickness - np.abs(curve), frame.sharpness * 0.8)
        mask *= np.abs(along) < _ONE
        blend(image, box, mask * np.float32(brows.strength), colour)


def draw_nose(image: FloatArray, frame: Frame, person: Identity) -> None:
    """Shadow under the tip, wings, nostrils and a light on the tip; the bridge comes from the relief."""
    nose = person.nose
    base = person.eyes.height + nose.length
    darken(image, frame, (0.0, base + 0.03), (nose.width * 1.25, 0.085), 0.70)
    for side in _SIDES:
        darken(image, frame, (side * nose.width, base - 0.035), (0.045, 0.085), 0.62)
        dark = 1 - 0.75 * nose.nostril
        darken(image, frame, (side * nose.width * 0.48, base + 0.012), (nose.width * 0.36, 0.036), dark)
    darken(image, frame, (0.0, base - 0.085), (nose.width * 0.6, 0.09), 1.16)


def draw_mouth(image: FloatArray, frame: Frame, person: Identity, expression: Expression) -> None:
    """Both lips around a mouth that smiles and opens."""
    mouth = person.mouth
    smile = expression.smile
    width = mouth.width * (1 + 0.16 * smile)
    gap = 0.075 * expression.mouth_open
    centre = (0.0, mouth.height + 0.4 * gap)
    box = frame.box(*centre, width * 1.1, 0.30)
    x, y = frame.local(box, *centre)
    along = x * np.float32(1 / width)
    square = along * along
    arch = _ONE - square
    y += square * np.float32(0.075 * smile + mouth.corner)
    y -= np.float32(0.02 * smile)
    dip = np.maximum(_ONE - np.abs(along) * np.float32(3.2), _ZERO) * np.float32(
        mouth.bow * mouth.upper * 0.7
    )
    upper = y + arch * np.float32(mouth.upper + gap * 0.5) - dip
    lower = arch * np.float32(mouth.lower + gap * 0.5) - y
    lips = cover(np.minimum(upper, lower), frame.sharpness)
    tone = person.skin * np.float32(0.45) + mouth.colour * np.float32(0.55)
    blend(image, box, lips, tone)
    above = lips * (y < _ZERO)
    image[:, box[0], box[1]] *= _ONE - above * np.float32(0.16)
    opening = arch * np.float32(gap + 0.012) - np.abs(y)
    dark = cover(opening.copy(), frame.sharpness)
    blend(image, box, dark * np.float32(0.85), _MOUTH_INSIDE)
    if gap > 0.02:
        teeth = cover(np.minimum(opening - np.float32(0.006), -np.float32(0.1 * gap) - y), frame.sharpness)
        blend(image, box, teeth * np.float32(0.9), _TEETH)


def draw_beard(image: FloatArray, frame: Frame, person: Identity, beard: Beard, outline: FloatArray) -> None:
    """Cheeks and chin below a line, a moustache, a goatee, all inside the outline (px, px) of the head."""
    colour = person.hair.colour * np.float32(0.85)
    mouth = person.mouth
    if beard.density:
        box = frame.box(0.0, 0.62, 1.1, 0.75)
        x, y = frame.local(box, 0.0, 0.0)
        across = np.abs(x) * np.float32(1 / person.head_width)
        bare = np.float32(beard.line) + np.float32(0.42) * (_ONE - across * across)
        full = cover(y - bare, frame.sharpness * 0.25)
        full *= np.clip(
            (across - np.float32(0.16)) * np.float32(5.0)
            + np.maximum(y - np.float32(mouth.height), _ZERO) * 12,
            _ZERO,
            _ONE,
        )
        full *= outline[box]
        blend(image, box, full * np.float32(beard.density), colour)
    if beard.moustache:
        centre = (0.0, mouth.height - mouth.upper - 0.045)
        box = frame.box(*centre, mouth.width * 1.1, 0.16)
        x, y = frame.local(box, *centre)
        along = x * np.float32(1 / (mouth.width * 1.02))
        arch = _ONE - along * along
        shape = arch * np.float32(0.06) - np.abs(y - along * along * np.float32(0.07))
        mask = cover(shape, frame.sharpness * 0.6) * outline[box]
        blend(image, box, mask * np.float32(beard.moustache * 0.92), colour)
    if beard.goatee:
        centre = (0.0, mouth.height + mouth.lower + 0.15)
        box = frame.box(*centre, beard.goatee * 1.2, 0.3)
        x, y = frame.local(box, *centre)
        shape = (
            _ONE - np.square(x * np.float32(1 / beard.goatee)) - np.square(y * np.float32(1 / 0.2))
        ) * np.float32(0.08)
        mask = cover(shape, frame.sharpness * 0.6) * outline[box]
        blend(image, box, mask * np.float32(0.88), colour)


def draw_glasses(image: FloatArray, frame: Frame, person: Identity, glasses: Glasses) -> None:
    """Two rims between a circle and a rectangle, the bridge and the start of the arms."""
    height = person.eyes.height + 0.02
    reach = person.eyes.spacing + 0.012
    half = min(glasses.width, reach - 0.03)
    for side in _SIDES:
        box = frame.box(side * reach, height, half * 1.2, glasses.height * 1.3)
        x, y = frame.local(box, side * reach, height)
        square_x = np.square(x * np.float32(1 / half))
        square_y = np.square(y * np.float32(1 / glasses.height))
        radius = square_x + square_y - square_x * square_y * np.float32(0.95 * (1 - glasses.roundness))
        distance = (_ONE - radius) * np.float32(0.5 * min(half, glasses.height))
        # The squircle opens again far outside: keep only the piece around the lens.
        limit = np.maximum(square_x, square_y)
        distance = np.where(limit < np.float32(1.3), distance, np.float32(-1.0))
        lens = cover(distance.copy(), frame.sharpness)
        if glasses.tint:
            blend(image, box, lens * np.float32(glasses.tint), glasses.colour * np.float32(0.3))
        else:
            blend(image, box, lens * np.float32(0.07), _SCLERA)
        rim = cover(np.float32(glasses.thickness) - np.abs(distance), frame.sharpness)
        blend(image, box, rim, glasses.colour)
        start, stop = reach + half, person.head_width + 0.06
        _draw_bar(image, frame, (side * (start + stop) / 2, height - 0.03), (stop - start) / 2, glasses)
    _draw_bar(image, frame, (0.0, height - 0.03), reach - half, glasses)


def _draw_bar(
    image: FloatArray, frame: Frame, centre: tuple[float, float], half: float, glasses: Glasses
) -> None:
    if half <= 0:
        return
    box = frame.box(*centre, half + 0.05, 0.12)
    x, y = frame.local(box, *centre)
    inside = np.minimum(np.float32(half) - np.abs(x), np.float32(glasses.thickness * 0.75) - np.abs(y))
    blend(image, box, cover(inside, frame.sharpness), glasses.colour)
