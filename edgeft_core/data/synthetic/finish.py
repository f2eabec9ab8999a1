"""Light and camera: what turns the flat colours of a portrait into a photograph-like picture."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edgeft_core.data.synthetic.canvas import NOISE_SIDE, FloatArray, Frame, image_grid, noise_bank
from edgeft_core.data.synthetic.features import _bump
from edgeft_core.data.synthetic.identity import Identity
from edgeft_core.data.synthetic.shot import Light, Shot

_ONE = np.float32(1.0)
_ZERO = np.float32(0.0)


def relief(frame: Frame, person: Identity) -> FloatArray:
    """Height of nose, brow ridge, cheekbones, eye sockets and chin over the dome of the head, (px, px)."""
    height = np.zeros((frame.px, frame.px), np.float32)
    nose, eyes = person.nose, person.eyes
    base = eyes.height + nose.length
    hills = [
        (0.0, base - 0.06, nose.width * 1.15, 0.17, 0.16 * nose.bump),
        (0.0, (eyes.height + base) / 2 - 0.08, nose.bridge * 1.7, nose.length * 0.75, 0.11 * nose.bump),
        (0.0, 0.86, 0.24, 0.16, 0.07),
        (0.0, person.mouth.height, person.mouth.width * 1.1, 0.16, 0.06),
    ]
    for side in (-1.0, 1.0):
        hills.append((side * eyes.spacing, eyes.height - 0.16, 0.30, 0.12, 0.05))
        hills.append((side * eyes.spacing, eyes.height + 0.02, 0.24, 0.15, -0.06))
        hills.append((side * 0.62 * person.head_width, 0.26, 0.26, 0.18, 0.03 + 0.06 * person.cheekbone))
    for u, v, reach_u, reach_v, size in hills:
        box = frame.box(u, v, reach_u, reach_v)
        x, y = frame.local(box, u, v)
        height[box] += _bump(x, y, reach_u, reach_v) * np.float32(size)
    return height


def _key_light(frame: Frame, person: Identity, light: Light) -> FloatArray:
    """Lambert term of the key light on dome and relief, (px, px)."""
    height = relief(frame, person)
    step = np.float32(frame.sharpness / 2)
    norm = np.float32(1 / math.sqrt(light.x**2 + light.y**2 + light.z**2))
    shade = frame.p * np.float32(0.85 * light.x / person.head_width)
    shade += frame.q * np.float32(0.8 * light.y)
    shade += frame.z * np.float32(light.z)
    slope = (height[:, 2:] - height[:, :-2]) * step
    shade[:, 1:-1] -= slope * np.float32(light.x)
    slope = (height[2:] - height[:-2]) * step
    shade[1:-1] -= slope * np.float32(light.y)
    shade *= norm
    np.maximum(shade, _ZERO, out=shade)
    return shade


def light_scene(image: FloatArray, frame: Frame, person: Identity, light: Light, figure: FloatArray) -> None:
    """Shade the figure (coverage 0..1), then cast colour, exposure and a soft shadow edge over everything."""
    shade = _key_light(frame, person, light)
    shade *= np.float32(light.key)
    shade += np.float32(light.ambient - 0.95)
    shade *= figure
    shade += np.float32(0.95)
    if light.shadow > 0.02:
        x, y = image_grid(frame.px)
        edge = x * np.float32(math.cos(light.shadow_angle_rad)) + y * np.float32(
            math.sin(light.shadow_angle_rad)
        )
        edge -= np.float32(light.shadow_place)
        edge *= np.float32(3.5)
        np.clip(edge, _ZERO, _ONE, out=edge)
        edge *= np.float32(-light.shadow)
        edge += _ONE
        shade *= edge
    gains = light.cast * np.float32(light.exposure)
    for number in range(3):
        channel = image[number]
        channel *= shade
        channel *= gains[number]


def _blur_once(image: FloatArray, amount: float) -> None:
    """A [a, 1 - 2a, a] filter along both axes, a = amount / 4, in place; the border keeps its pixels."""
    side = np.float32(amount / 4)
    for channel in image:
        for plane in (channel, channel.T):
            middle = plane[1:-1]
            change = plane[2:] + plane[:-2]
            change -= middle
            change -= middle
            change *= side
            middle += change


def develop(image: FloatArray, shot: Shot) -> NDArray[np.uint8]:
    """Blur, tone curve and noise of the camera: (3, px, px) float in about 0..1 to uint8 (px, px, 3)."""
    px = image.shape[1]
    left = shot.blur
    while left > 0.05:
        _blur_once(image, min(left, 1.0))
        left -= 1.0
    grain = _grain(shot, px)
    # Tone curve c (a - b c): what x ** gamma near gamma = 1 and a soft shoulder come to, without a power.
    bend = 1.0 - shot.light.gamma
    rise, shoulder = np.float32(255 * (1.06 + bend)), np.float32(-255 * (0.10 + bend))
    picture = np.empty((px, px, 3), np.uint8)
    for number in range(3):
        channel = image[number]
        curve = channel * shoulder
        curve += rise
        curve *= channel
        curve += grain
        np.clip(curve, _ZERO, np.float32(255.0), out=curve)
        picture[:, :, number] = curve
    return picture


def _grain(shot: Shot, px: int) -> FloatArray:
    """Noise (px, px) in grey levels, the same for all channels: a random window of the fixed sheet."""
    sheet, size = noise_bank(), np.float32(255 * shot.noise)
    if px >= NOISE_SIDE:
        return np.resize(sheet, (px, px)) * size + np.float32(0.5)
    row, column = shot.noise_row % (NOISE_SIDE - px), shot.noise_column % (NOISE_SIDE - px)
    return sheet[row : row + px, column : column + px] * size + np.float32(0.5)
