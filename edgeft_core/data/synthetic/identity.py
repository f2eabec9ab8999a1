"""Who is drawn: everything that stays the same on all pictures of one person."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from edgeft_core.data.synthetic.canvas import FloatArray

_IDENTITY_STREAM = 11

# Colours are sRGB in 0..1, from light to dark.
_SKIN = np.array(
    [
        (0.98, 0.86, 0.78),
        (0.94, 0.77, 0.65),
        (0.85, 0.65, 0.50),
        (0.69, 0.48, 0.35),
        (0.50, 0.33, 0.24),
        (0.34, 0.22, 0.17),
    ]
)
_HAIR = np.array(
    [
        (0.09, 0.07, 0.07),
        (0.20, 0.12, 0.08),
        (0.36, 0.21, 0.12),
        (0.52, 0.32, 0.16),
        (0.86, 0.68, 0.38),
        (0.56, 0.27, 0.16),
        (0.72, 0.70, 0.69),
        (0.45, 0.44, 0.44),
    ]
)
_IRIS = np.array(
    [(0.26, 0.15, 0.08), (0.42, 0.27, 0.12), (0.30, 0.42, 0.24), (0.26, 0.45, 0.66), (0.45, 0.52, 0.57)]
)
_FRAME = np.array(
    [
        (0.08, 0.08, 0.10),
        (0.35, 0.18, 0.10),
        (0.70, 0.58, 0.30),
        (0.60, 0.12, 0.15),
        (0.15, 0.25, 0.50),
        (0.85, 0.85, 0.86),
    ]
)
_LIP = np.array([(0.76, 0.40, 0.38), (0.70, 0.15, 0.20), (0.55, 0.25, 0.30), (0.85, 0.45, 0.50)])


@dataclass(frozen=True, slots=True)
class Hair:
    """Lengths in head units. The sides end at height q = `length`; `drop` pulls the ends of the hair line down."""

    colour: FloatArray
    top: float
    side: float
    length: float
    line: float
    drop: float
    slant: float
    part: float
    curl: float
    curl_frequency: float
    strands: float
    bun: float
    coverage: float


@dataclass(frozen=True, slots=True)
class Eyes:
    spacing: float
    height: float
    width: float
    opening: float
    tilt_rad: float
    iris: FloatArray
    iris_radius: float
    lash: float
    crease: float


@dataclass(frozen=True, slots=True)
class Brows:
    gap: float
    length: float
    thickness: float
    arch: float
    tilt: float
    strength: float


@dataclass(frozen=True, slots=True)
class Nose:
    length: float
    width: float
    bridge: float
    bump: float
    nostril: float


@dataclass(frozen=True, slots=True)
class Mouth:
    height: float
    width: float
    upper: float
    lower: float
    bow: float
    corner: float
    colour: FloatArray


@dataclass(frozen=True, slots=True)
class Beard:
    density: float
    line: float
    moustache: float
    goatee: float


@dataclass(frozen=True, slots=True)
class Glasses:
    width: float
    height: float
    roundness: float
    thickness: float
    colour: FloatArray
    tint: float


@dataclass(frozen=True, slots=True)
class Identity:
    """One person. Lengths are in head units (crown -1, chin +1), colours sRGB in 0..1."""

    head_width: float
    jaw_taper: float
    jaw_corner: float
    squareness: float
    ear_size: float
    ear_height: float
    skin: FloatArray
    blush: float
    cheekbone: float
    age: float
    freckles: float
    moles: tuple[tuple[float, float, float], ...]
    hair: Hair
    eyes: Eyes
    brows: Brows
    nose: Nose
    mouth: Mouth
    beard: Beard | None
    glasses: Glasses | None


def _palette(rng: np.random.Generator, colours: np.ndarray, jitter: float) -> FloatArray:
    """A colour near one of the palette's."""
    colour = colours[rng.integers(len(colours))] * np.exp(rng.normal(0, jitter)) + rng.normal(
        0, jitter / 4, 3
    )
    clipped: FloatArray = np.clip(colour, 0.03, 0.97).astype(np.float32)
    return clipped


def _skin(rng: np.random.Generator) -> FloatArray:
    place = rng.uniform(0, len(_SKIN) - 1.001)
    left = int(place)
    colour = _SKIN[left] + (place - left) * (_SKIN[left + 1] - _SKIN[left])
    undertone = rng.normal(0, 0.025) * np.array([0.4, 0.0, -1.0])
    clipped: FloatArray = np.clip(colour + undertone, 0.05, 0.98).astype(np.float32)
    return clipped


def _hair(rng: np.random.Generator) -> Hair:
    cut = rng.choice(
        ["bald", "buzz", "short", "volume", "bob", "long", "curly"],
        p=[0.07, 0.10, 0.25, 0.14, 0.14, 0.18, 0.12],
    )
    between = rng.uniform
    top = {
        "bald": 0.0,
        "buzz": 0.03,
        "short": between(0.05, 0.14),
        "volume": between(0.16, 0.30),
        "bob": between(0.06, 0.16),
        "long": between(0.05, 0.16),
        "curly": between(0.14, 0.32),
    }[cut]
    side = {
        "bald": 0.0,
        "buzz": 0.015,
        "short": between(0.01, 0.06),
        "volume": between(0.0, 0.06),
        "bob": between(0.10, 0.24),
        "long": between(0.08, 0.24),
        "curly": between(0.12, 0.34),
    }[cut]
    length = {"bob": between(0.45, 0.95), "long": between(1.1, 1.7), "curly": between(0.0, 1.1)}.get(
        cut, between(-0.05, 0.22)
    )
    drop = {"bob": between(0.9, 1.9), "long": between(0.9, 2.0), "curly": between(0.5, 1.2)}.get(
        cut, between(0.25, 0.7)
    )
    curly = cut == "curly"
    return Hair(
        colour=_palette(rng, _HAIR, 0.15),
        top=float(top),
        side=float(side),
        length=float(length),
        line=float(between(-0.80, -0.38)),
        drop=float(drop),
        slant=float(rng.normal(0, 0.16)),
        part=float(between(-0.4, 0.4)),
        curl=float(between(0.035, 0.06) if curly else 0.0),
        curl_frequency=float(between(15, 26)),
        strands=float(between(0.15, 0.5)),
        bun=float(between(0.22, 0.36) if rng.random() < 0.09 and cut != "bald" else 0.0),
        coverage=0.0 if cut == "bald" else (float(between(0.55, 0.8)) if cut == "buzz" else 1.0),
    )


def _face(rng: np.random.Generator) -> tuple[Eyes, Brows, Nose, Mouth]:
    between = rng.uniform
    eyes = Eyes(
        spacing=between(0.29, 0.41),
        height=between(-0.07, 0.07),
        width=between(0.145, 0.22),
        opening=between(0.065, 0.125),
        tilt_rad=between(-0.22, 0.16),
        iris=_palette(rng, _IRIS, 0.2),
        iris_radius=between(0.07, 0.095),
        lash=between(0.2, 1.0),
        crease=between(0.0, 0.6),
    )
    brows = Brows(
        gap=between(0.13, 0.24),
        length=between(0.17, 0.27),
        thickness=between(0.018, 0.062),
        arch=between(0.0, 0.9),
        tilt=between(-0.28, 0.28),
        strength=between(0.55, 1.0),
    )
    nose = Nose(
        length=between(0.30, 0.50),
        width=between(0.10, 0.205),
        bridge=between(0.05, 0.11),
        bump=between(0.6, 1.5),
        nostril=between(0.3, 1.0),
    )
    lip = _palette(rng, _LIP[:1] if rng.random() < 0.6 else _LIP, 0.12)
    mouth = Mouth(
        height=between(0.56, 0.69),
        width=between(0.19, 0.34),
        upper=between(0.022, 0.075),
        lower=between(0.035, 0.10),
        bow=between(0.0, 0.6),
        corner=between(-0.05, 0.05),
        colour=lip,
    )
    return eyes, brows, nose, mouth


def _beard(rng: np.random.Generator, likely: float) -> Beard | None:
    if rng.random() > likely:
        return None
    kind = rng.choice(["full", "stubble", "moustache", "goatee"], p=[0.35, 0.25, 0.2, 0.2])
    between = rng.uniform
    full = {"full": between(0.75, 0.97), "stubble": between(0.2, 0.45)}.get(kind, 0.0)
    moustache = {
        "full": between(0.6, 1.0),
        "stubble": full,
        "moustache": between(0.8, 1.0),
        "goatee": between(0.0, 0.9),
    }[kind]
    goatee = between(0.12, 0.26) if kind == "goatee" else 0.0
    return Beard(
        density=float(full), line=float(between(0.18, 0.5)), moustache=float(moustache), goatee=float(goatee)
    )


def _glasses(rng: np.random.Generator) -> Glasses | None:
    if rng.random() > 0.28:
        return None
    between = rng.uniform
    return Glasses(
        width=between(0.21, 0.28),
        height=between(0.13, 0.22),
        roundness=between(0.0, 1.0),
        thickness=between(0.018, 0.045),
        colour=_palette(rng, _FRAME, 0.1),
        tint=float(between(0.35, 0.75)) if rng.random() < 0.15 else 0.0,
    )


@lru_cache(maxsize=8192)
def make_identity(seed: int, identity: int) -> Identity:
    """The person that this seed and number stand for."""
    rng = np.random.default_rng([_IDENTITY_STREAM, seed, identity])
    between = rng.uniform
    hair = _hair(rng)
    hair = _hair(rng)
    eyes, brows, nose, mouth = _face(rng)
    marks = int(rng.choice([0, 1, 2, 3], p=[0.45, 0.3, 0.15, 0.1]))
    return Identity(
        head_width=between(0.66, 0.86),
        jaw_taper=between(0.02, 0.36),
        jaw_corner=between(-0.04, 0.14),
        squareness=between(0.1, 0.85),
        ear_size=between(0.10, 0.19),
        ear_height=between(0.0, 0.18),
        skin=_skin(rng),
        blush=between(0.0, 0.35),
        cheekbone=between(0.0, 1.0),
        age=max(0.0, between(-0.6, 1.0)),
        freckles=float(between(0.3, 0.8)) if rng.random() < 0.12 else 0.0,
        moles=tuple((between(-0.5, 0.5), between(0.15, 0.8), between(0.018, 0.034)) for _ in range(marks)),
        hair=hair,
        eyes=eyes,
        brows=brows,
        nose=nose,
        mouth=mouth,
        beard=_beard(rng, 0.06 if hair.length > 0.4 else 0.33),
        glasses=_glasses(rng),
    )


def identity_name(identity: int) -> str:
    """The label under which a person appears everywhere: `person_0007`."""
    return f"person_{identity:04d}"
