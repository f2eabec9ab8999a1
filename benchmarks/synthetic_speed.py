"""How fast synthetic portraits are drawn: `python benchmarks/synthetic_speed.py` prints one JSON object."""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from edgeft_core.data.synthetic import GENERATOR_VERSION, draw_faces

SHOTS = 12


def images_per_second(first_identity: int, people: int = 60) -> float:
    """Wall-clock drawing rate of this process, after a short warm-up."""
    draw_faces(np.full(8, first_identity), np.arange(8))
    identities = np.repeat(np.arange(first_identity, first_identity + people), SHOTS)
    start = time.perf_counter()
    draw_faces(identities, np.tile(np.arange(SHOTS), people))
    return people * SHOTS / (time.perf_counter() - start)


def main() -> None:
    one = images_per_second(0)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        both = sum(pool.map(images_per_second, [100, 200], chunksize=1))
    print(
        json.dumps(
            {
                "generator_version": GENERATOR_VERSION,
                "px": 112,
                "images_per_s_one_process": round(one, 1),
                "images_per_s_two_processes": round(both, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
