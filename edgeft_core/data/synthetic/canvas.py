"""Pixels and coordinates that every part of a portrait is drawn with.

Coordinates: the *image* runs from -1 to 1 in both directions, y down. The *head* plane (p, q) has its origin in
the middle of the head, crown at q = -1 and chin at q = +1. The *face* surface (u, v) is the head plane after yaw
and pitch: a feature that sits at (u, v) on every picture of a person moves over (p, q) as the head turns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Box = tuple[slice, slice]

NOISE_SIDE = 384
_SMALL = 4000


@lru_cache(maxsize=8)
def image_grid(px: int) -> tuple[FloatArray, FloatArray]:
    """x of shape (1, px) and y of shape (px, 1): pixel centres in -1..1."""
    axis = ((np.arange(px, dtype=np.float32) + np.float32(0.5)) * np.float32(2.0 / px)) - np.float32(1.0)
    return axis[None, :], axis[:, None]


@lru_cache(maxsize=1)
def noise_bank() -> FloatArray:
    """A fixed sheet (NOISE_SIDE, NOISE_SIDE) of unit normal noise, from which pictures take random windows."""
    return np.random.default_rng(20260).standard_normal((NOISE_SIDE, NOISE_SIDE), dtype=np.float32)


@lru_cache(maxsize=32)
def _interpolation(px: int, knots: int) -> FloatArray:
    """Weights (px, knots) of each knot at each pixel: smooth steps from knot to knot."""
    place = np.linspace(0.0, knots - 1, px)
    reach = np.clip(1.0 - np.abs(place[:, None] - np.arange(knots)), 0.0, 1.0)
    return (reach * reach * (3.0 - 2.0 * reach)).astype(np.float32)


def smooth_field(knots: FloatArray, px: int) -> FloatArray:
    """Stretch (C, k, k) random knots smoothly to (C, px, px)."""
    weights = _interpolation(px, knots.shape[1])
    field: FloatArray = np.matmul(np.matmul(weights, knots), weights.T, dtype=np.float32)
    return field


def cover(distance: FloatArray, sharpness: float) -> FloatArray:
    """Soft coverage 0..1 of a shape, from its signed distance (inside > 0). Overwrites and returns the argument."""
    distance *= np.float32(sharpness)
    distance += np.float32(0.5)
    return np.clip(distance, np.float32(0.0), np.float32(1.0), out=distance)


def blend(image: FloatArray, box: Box, alpha: FloatArray, colour: FloatArray) -> None:
    """Lay a colour (3,) or colour field (3, h, w) over the box of image (3, H, W), with coverage alpha (h, w)."""
    if alpha.size < _SMALL:
        region = image[:, box[0], box[1]]
        layer = (colour[:, None, None] if colour.ndim == 1 else colour) - region
        layer *= alpha
        region += layer
        return
    # Channel by channel: layers of 50 kB stay in the cache, and malloc does not ask the system for them.
    for channel, tone in zip(image, colour, strict=True):
        region = channel[box]
        layer = tone - region
        layer *= alpha
        region += layer


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the head is in the picture and which way it looks. Angles in radians, lengths in image units."""

    centre_x: float
    centre_y: float
    scale: float
    roll_rad: float
    yaw: float
    """Sideways shift of the middle of the face over the head plane, in head units (about 0.45 sin(angle))."""
    pitch: float
    """The same, downwards."""


class Frame:
    """All pixels of one picture in head and face coordinates.

    `p`, `q`, `u`, `v`, `z` have shape (px, px); z is the depth of the head towards the viewer (1 in the middle).
    """

    def __init__(self, pose: Pose, head_width: float, px: int) -> None:
        self.pose = pose
        self.px = px
        self.head_width = head_width
        self._cos = math.cos(pose.roll_rad)
        self._sin = math.sin(pose.roll_rad)
        self.sharpness = pose.scale * px / 2
        """Pixels per head unit: distances times this are in pixels."""
        grid_x, grid_y = image_grid(px)
        x = (grid_x - np.float32(pose.centre_x)) * np.float32(1 / pose.scale)
        y = (grid_y - np.float32(pose.centre_y)) * np.float32(1 / pose.scale)
        self.p: FloatArray = x * np.float32(self._cos) + y * np.float32(self._sin)
        self.q: FloatArray = y * np.float32(self._cos) - x * np.float32(self._sin)
        radius = self.p * np.float32(1 / head_width)
        radius *= radius
        radius += self.q * self.q
        radius *= np.float32(-0.8)
        radius += np.float32(1.0)
        np.maximum(radius, np.float32(0.03), out=radius)
        self.z: FloatArray = np.sqrt(radius, out=radius)
        self.u: FloatArray = self.p + self.z * np.float32(pose.yaw)
        self.v: FloatArray = self.q + self.z * np.float32(pose.pitch)

    def pixel(self, u: float, v: float) -> tuple[float, float]:
        """Row and column (fractional) at which the face point (u, v) is seen."""
        p, q = u, v
        for _ in range(2):
            depth = math.sqrt(max(0.03, 1 - 0.8 * ((p / self.head_width) ** 2 + q * q)))
            p, q = u - self.pose.yaw * depth, v - self.pose.pitch * depth
        x = self.pose.centre_x + self.pose.scale * (self._cos * p - self._sin * q)
        y = self.pose.centre_y + self.pose.scale * (self._sin * p + self._cos * q)
        return (y + 1) * self.px / 2 - 0.5, (x + 1) * self.px / 2 - 0.5

    def box(self, u: float, v: float, reach_u: float, reach_v: float) -> Box:
        """The part of the picture that holds everything within the given reach of (u, v); may be empty."""
        row, column = self.pixel(u, v)
        cos, sin = abs(self._cos), abs(self._sin)
        reach_row = (cos * reach_v + sin * reach_u) * self.sharpness * 1.2 + 2
        reach_column = (cos * reach_u + sin * reach_v) * self.sharpness * 1.2 + 2
        return self._slice(row, reach_row), self._slice(column, reach_column)

    def _slice(self, middle: float, reach: float) -> slice:
        start = min(max(int(middle - reach), 0), self.px)
        stop = min(max(int(middle + reach) + 2, start), self.px)
        return slice(start, stop)

    def local(self, box: Box, u: float, v: float, tilt_rad: float = 0.0) -> tuple[FloatArray, FloatArray]:
        """Face coordinates relative to (u, v), turned by tilt, of the pixels in the box."""
        du = self.u[box] - np.float32(u)
        dv = self.v[box] - np.float32(v)
        if tilt_rad == 0.0:
            return du, dv
        cos, sin = np.float32(math.cos(tilt_rad)), np.float32(math.sin(tilt_rad))
        return du * cos + dv * sin, dv * cos - du * sin
