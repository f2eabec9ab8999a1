"""How one picture of a person was taken: everything that must not matter for who it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeft_core.data.synthetic.canvas import FloatArray, Pose

_SHOT_STREAM = 23


@dataclass(frozen=True, slots=True)
class Expression:
    """Movements of the face; 0 is neutral, 1 as far as it goes."""

    smile: float
    mouth_open: float
    eye_open: float
    brow_raise: float
    gaze_u: float
    gaze_v: float


@dataclass(frozen=True, slots=True)
class Light:
    """A key light from (x, y, z), an ambient part, a colour cast (3,), exposure as a factor, and a shadow edge."""

    x: float
    y: float
    z: float
    ambient: float
    key: float
    cast: FloatArray
    exposure: float
    gamma: float
    shadow: float
    shadow_angle_rad: float
    shadow_place: float


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: pose, expression, light, surroundings and what the camera adds."""

    pose: Pose
    expression: Expression
    light: Light
    background: FloatArray
    stripes: float
    stripe_angle_rad: float
    stripe_frequency: float
    clothes: FloatArray
    blur: float
    noise: float
    noise_row: int
    noise_column: int


class _Dice:
    """Random scalars out of two blocks drawn at once: a tenth of the time of asking the generator one by one."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._flat = iter(rng.random(48).tolist())
        self._bell = iter(rng.standard_normal(16).tolist())

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * float(next(self._flat))

    def normal(self, spread: float, limit: float) -> float:
        """Normal around 0, cut off at +-limit."""
        return max(-limit, min(limit, spread * float(next(self._bell))))


def _pose(dice: _Dice) -> Pose:
    return Pose(
        centre_x=dice.between(-0.11, 0.11),
        centre_y=0.08 + dice.between(-0.10, 0.10),
        scale=0.86 * math.exp(dice.between(-0.11, 0.11)),
        roll_rad=dice.normal(0.11, 0.35),
        yaw=dice.normal(0.12, 0.28),
        pitch=dice.normal(0.06, 0.15),
    )


def _expression(dice: _Dice) -> Expression:
    return Expression(
        smile=dice.between(-0.5, 1.0),
        mouth_open=max(0.0, dice.between(-1.0, 0.9)),
        eye_open=dice.between(0.6, 1.15),
        brow_raise=dice.normal(0.35, 1.2),
        gaze_u=dice.between(-0.35, 0.35),
        gaze_v=dice.between(-0.12, 0.15),
    )


def _light(dice: _Dice) -> Light:
    around = dice.between(0, 2 * math.pi)
    aside = dice.between(0.1, 0.95)
    warmth = dice.normal(0.10, 0.4)
    cast = [math.exp(tone + dice.normal(0.04, 0.15)) for tone in (warmth, 0.0, -warmth)]
    return Light(
        x=math.cos(around) * aside,
        y=math.sin(around) * aside * 0.7 - 0.15,
        z=math.sqrt(1 - aside * aside * 0.9),
        ambient=dice.between(0.3, 0.62),
        key=dice.between(0.55, 0.95),
        cast=np.array(cast, np.float32),
        exposure=math.exp(min(0.28, dice.normal(0.2, 0.5) - 0.03)),
        gamma=math.exp(dice.normal(0.13, 0.4)),
        shadow=max(0.0, dice.between(-0.6, 0.6)),
        shadow_angle_rad=dice.between(0, 2 * math.pi),
        shadow_place=dice.between(-0.5, 0.5),
    )


def _background(rng: np.random.Generator, dice: _Dice) -> FloatArray:
    """Colours (3, k, k) to be stretched over the picture, around one colour and more or less grey."""
    knots = (2, 3, 4, 6)[int(dice.between(0, 4))]
    spread, grey = dice.between(0.06, 0.25), 1 - dice.between(0.25, 0.8)
    colours = rng.standard_normal((3, knots, knots), dtype=np.float32)
    colours *= np.float32(spread)
    for number in range(3):
        colours[number] += np.float32(dice.between(0.1, 0.9))
    colours += np.float32(grey) * (colours.sum(axis=0) * np.float32(1 / 3) - colours)
    return colours.clip(0.02, 0.98, out=colours)


def make_shot(seed: int, identity: int, index: int) -> Shot:
    """The circumstances of picture `index` of a person."""
    rng = np.random.default_rng([_SHOT_STREAM, seed, identity, index])
    dice = _Dice(rng)
    return Shot(
        pose=_pose(dice),
        expression=_expression(dice),
        light=_light(dice),
        background=_background(rng, dice),
        stripes=max(0.0, dice.between(-0.5, 0.35)),
        stripe_angle_rad=dice.between(0, math.pi),
        stripe_frequency=dice.between(3, 14),
        clothes=np.array([dice.between(0.08, 0.9) for _ in range(3)], np.float32),
        blur=max(0.0, dice.between(-0.6, 1.6)),
        noise=dice.between(0.004, 0.022),
        noise_row=int(dice.between(0, 1 << 16)),
        noise_column=int(dice.between(0, 1 << 16)),
    )
