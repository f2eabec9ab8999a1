"""How one picture of a person was taken: everything that must not matter for who it is."""

from __future__ import annotations

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


def _pose(rng: np.random.Generator) -> Pose:
    return Pose(
        centre_x=rng.uniform(-0.11, 0.11),
        centre_y=0.08 + rng.uniform(-0.10, 0.10),
        scale=0.86 * float(np.exp(rng.uniform(-0.11, 0.11))),
        roll_rad=float(np.clip(rng.normal(0, 0.11), -0.35, 0.35)),
        yaw=float(np.clip(rng.normal(0, 0.12), -0.28, 0.28)),
        pitch=float(np.clip(rng.normal(0, 0.06), -0.15, 0.15)),
    )


def _expression(rng: np.random.Generator) -> Expression:
    return Expression(
        smile=rng.uniform(-0.5, 1.0),
        mouth_open=max(0.0, rng.uniform(-1.0, 0.9)),
        eye_open=rng.uniform(0.6, 1.15),
        brow_raise=rng.normal(0, 0.35),
        gaze_u=rng.uniform(-0.35, 0.35),
        gaze_v=rng.uniform(-0.12, 0.15),
    )


def _light(rng: np.random.Generator) -> Light:
    around = rng.uniform(0, 2 * np.pi)
    aside = rng.uniform(0.1, 0.95)
    warmth = rng.normal(0, 0.10)
    cast = np.exp(np.array([warmth, 0.0, -warmth]) + rng.normal(0, 0.04, 3))
    return Light(
        x=float(np.cos(around)) * aside,
        y=float(np.sin(around)) * aside * 0.7 - 0.15,
        z=float(np.sqrt(1 - aside * aside * 0.9)),
        ambient=rng.uniform(0.3, 0.62),
        key=rng.uniform(0.55, 0.95),
        cast=cast.astype(np.float32),
        exposure=float(np.exp(np.clip(rng.normal(-0.03, 0.2), -0.5, 0.28))),
        gamma=float(np.exp(rng.normal(0.0, 0.13))),
        shadow=max(0.0, rng.uniform(-0.6, 0.6)),
        shadow_angle_rad=rng.uniform(0, 2 * np.pi),
        shadow_place=rng.uniform(-0.5, 0.5),
    )


def make_shot(seed: int, identity: int, index: int) -> Shot:
    """The circumstances of picture `index` of a person."""
    rng = np.random.default_rng([_SHOT_STREAM, seed, identity, index])
    knots = int(rng.choice([2, 3, 4, 6]))
    base = rng.uniform(0.1, 0.9, (3, 1, 1))
    spread = rng.uniform(0.06, 0.25)
    colours = base + rng.normal(0, spread, (3, knots, knots))
    colours += (1 - rng.uniform(0.25, 0.8)) * (colours.mean(axis=0, keepdims=True) - colours)
    return Shot(
        pose=_pose(rng),
        expression=_expression(rng),
        light=_light(rng),
        background=np.clip(colours, 0.02, 0.98).astype(np.float32),
        stripes=rng.uniform(0.1, 0.35) if rng.random() < 0.3 else 0.0,
        stripe_angle_rad=rng.uniform(0, np.pi),
        stripe_frequency=rng.uniform(3, 14),
        clothes=rng.uniform(0.08, 0.9, 3).astype(np.float32),
        blur=max(0.0, rng.uniform(-0.6, 1.6)),
        noise=rng.uniform(0.004, 0.022),
        noise_row=int(rng.integers(0, 1 << 16)),
        noise_column=int(rng.integers(0, 1 << 16)),
    )
