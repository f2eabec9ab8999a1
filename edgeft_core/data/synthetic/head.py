"""The large shapes of a portrait: background, neck, ears, head and hair. Each function draws over the whole picture."""

from __future__ import annotations

import math

import numpy as np

from edgeft_core.data.synthetic.canvas import FloatArray, Frame, blend, cover, image_grid, smooth_field
from edgeft_core.data.synthetic.identity import Hair, Identity
from edgeft_core.data.synthetic.shot import Shot

WHOLE = (slice(None), slice(None))


def background(shot: Shot, px: int) -> FloatArray:
    """Soft random colours, sometimes with stripes: (3, px, px)."""
    image = smooth_field(shot.background, px)
    if shot.stripes:
        x, y = image_grid(px)
        frequency = shot.stripe_frequency
        wave = np.float32(frequency * math.cos(shot.stripe_angle_rad)) * x
        wave = wave + np.float32(frequency * math.sin(shot.stripe_angle_rad)) * y
        np.sin(wave, out=wave)
        wave *= np.float32(4.0)
        np.clip(wave, np.float32(-1.0), np.float32(1.0), out=wave)
        image += wave * np.float32(shot.stripes * 0.5)
    return image


def head_distance(frame: Frame, person: Identity) -> FloatArray:
    """Signed distance (head units, inside > 0) to the outline of the face: a squircle that narrows to the chin."""
    q = frame.q
    below = np.maximum(q, np.float32(0.0))
    width = below * np.float32(-person.jaw_taper)
    width *= below
    width += np.float32(1.0)
    width += (below - below * below) * np.float32(person.jaw_corner * 1.6)
    side = frame.p / (width * np.float32(person.head_width))
    side *= side
    height = q * q
    square = side * height
    square *= np.clip(frame.q * np.float32(2.0), np.float32(0.45), np.float32(1.0)) * np.float32(
        person.squareness
    )
    side += height
    side -= square
    return (np.float32(1.0) - side) * np.float32(0.42)


def _hair_waves(frame: Frame, hair: Hair) -> FloatArray:
    """Strands that fan out from the parting, -1..1."""
    fan = (frame.p - np.float32(hair.part)) / (np.maximum(frame.q, np.float32(-1.1)) + np.float32(1.9))
    waves = np.sin(fan * np.float32(34.0))
    waves += np.sin(fan * np.float32(61.0) + frame.q * np.float32(4.0))
    return waves * np.float32(0.5)


def _curl_waves(frame: Frame, hair: Hair) -> FloatArray:
    frequency = np.float32(hair.curl_frequency)
    waves: FloatArray = np.sin(frame.p * frequency + np.float32(0.7)) * np.sin(frame.q * frequency)
    return waves


def hair_distance(frame: Frame, person: Identity) -> FloatArray:
    """Signed distance to the outer outline of the hair: a cap over the head whose sides hang down to `length`."""
    hair = person.hair
    cap = np.minimum(frame.q, np.float32(0.0)) * np.float32(1 / (1 + hair.top))
    side = frame.p * np.float32(1 / (person.head_width + 0.015 + hair.side))
    cap *= cap
    cap += side * side
    distance = np.float32(1.0) - cap
    distance *= np.float32(0.45)
    if hair.curl > 0.03:
        distance += _curl_waves(frame, hair) * np.float32(hair.curl)
    np.minimum(distance, np.float32(hair.length) - frame.q, out=distance)
    return distance


class HairLayer:
    """Colour and outline of the hair, computed once and laid twice: behind the head and over the forehead."""

    def __init__(self, frame: Frame, person: Identity) -> None:
        hair = person.hair
        self.outline = cover(hair_distance(frame, person), frame.sharpness * 0.8)
        tone = _curl_waves(frame, hair) * np.float32(0.5) if hair.curl > 0.03 else _hair_waves(frame, hair)
        tone *= np.float32(0.30 * hair.strands)
        tone += np.float32(1.0)
        shine = frame.v + np.float32(0.74)
        shine *= shine
        shine *= np.float32(-28.0)
        tone += np.maximum(shine + np.float32(1.0), np.float32(0.0)) * np.float32(0.22 + 0.3 * hair.strands)
        self.colour: FloatArray = hair.colour[:, None, None] * tone

    def draw_behind(self, image: FloatArray) -> None:
        blend(image, WHOLE, self.outline, self.colour * np.float32(0.72))

    def draw_in_front(self, image: FloatArray, frame: Frame, person: Identity) -> None:
        """The part above the hair line; its corners come down at the temples."""
        hair = person.hair
        across = (frame.u - np.float32(0.3 * hair.part)) * np.float32(1 / person.head_width)
        corner = across * across
        line = corner * corner
        line *= np.float32(hair.drop)
        line += np.float32(hair.line)
        line += across * np.float32(hair.slant)
        line -= frame.v
        if hair.curl > 0.03:
            line += _curl_waves(frame, hair) * np.float32(hair.curl * 0.5)
        shade = np.clip(line * np.float32(7.0) + np.float32(1.6), np.float32(0.0), np.float32(1.0))
        mask = cover(line, frame.sharpness * (0.8 if hair.coverage == 1.0 else 0.2))
        mask *= self.outline
        shade -= mask
        np.maximum(shade, np.float32(0.0), out=shade)
        shade *= self.outline
        image *= np.float32(1.0) - shade * np.float32(0.22 * hair.coverage)
        if hair.coverage != 1.0:
            mask *= np.float32(hair.coverage)
        blend(image, WHOLE, mask, self.colour)

    def draw_bun(self, image: FloatArray, frame: Frame, person: Identity) -> None:
        hair = person.hair
        p = frame.p * np.float32(1 / hair.bun)
        q = (frame.q + np.float32(1.0 + hair.top + 0.45 * hair.bun)) * np.float32(1 / (hair.bun * 0.85))
        round_shape = np.float32(1.0) - (p * p + q * q)
        blend(
            image,
            WHOLE,
            cover(round_shape * np.float32(hair.bun * 0.5), frame.sharpness),
            self.colour * np.float32(0.85),
        )


def draw_neck(image: FloatArray, frame: Frame, person: Identity, clothes: FloatArray) -> FloatArray:
    """Neck and shoulders; returns their coverage (px, px)."""
    top = max(0, min(frame.px, int(frame.pixel(0.0, 0.25)[0])))
    box = (slice(top, frame.px), slice(None))
    p, q = np.abs(frame.p[box]), frame.q[box]
    neck = cover(
        np.minimum(np.float32(0.50 * person.head_width + 0.04) - p, q - np.float32(0.35)), frame.sharpness
    )
    blend(image, box, neck, person.skin * np.float32(0.66))
    shoulders = q - np.float32(1.04)
    shoulders -= np.maximum(p - np.float32(0.3), np.float32(0.0)) * np.float32(0.28)
    collar = np.float32(0.42) - p
    collar *= np.float32(0.35)
    shoulders -= np.maximum(collar, np.float32(0.0))
    cloth = cover(shoulders, frame.sharpness)
    blend(image, box, cloth, clothes)
    figure = np.zeros((frame.px, frame.px), np.float32)
    figure[box] = np.maximum(neck, cloth)
    return figure


def draw_ears(image: FloatArray, frame: Frame, person: Identity) -> None:
    """Both ears; the one that is turned away is hidden by the head, drawn later."""
    size = person.ear_size
    shift = frame.pose.yaw * 0.35
    for side in (-1.0, 1.0):
        p0 = side * (person.head_width + size * 0.18) - shift
        box = frame.box(p0 + frame.pose.yaw * 0.45, person.ear_height, size * 1.6, size * 2.4)
        p = (frame.p[box] - np.float32(p0)) * np.float32(1 / (size * 0.62))
        q = (frame.q[box] - np.float32(person.ear_height)) * np.float32(1 / (size * 1.25))
        radius = p * p + q * q
        blend(
            image,
            box,
            cover((np.float32(1.0) - radius) * np.float32(size * 0.4), frame.sharpness),
            person.skin * np.float32(0.94),
        )
        inner = cover((np.float32(0.36) - radius) * np.float32(size * 0.5), frame.sharpness * 0.7)
        blend(image, box, inner * np.float32(0.6), person.skin * np.float32(0.62))
