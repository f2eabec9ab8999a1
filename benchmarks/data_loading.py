"""How long data takes: opening a folder cold and warm, drawing people, and batches per second. Prints JSON.

python benchmarks/data_loading.py [--images 5000] [--edge 250] [--ending .jpg] [--workers 0 2]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from edgeft_core.config import DataConfig
from edgeft_core.data import FaceDataset, open_dataset
from edgeft_core.data.inspection import inspect

PER_IDENTITY = 10


def write_folder(root: Path, images: int, edge: int, ending: str) -> None:
    """Smooth pictures with a little noise, about as large as photos of that edge."""
    rng = np.random.default_rng(0)
    for number in range(images):
        folder = root / f"person_{number // PER_IDENTITY:05d}"
        folder.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8))
        fine = np.asarray(coarse.resize((edge, edge), Image.Resampling.BICUBIC), dtype=np.int16)
        noisy = np.clip(fine + rng.integers(-6, 7, (edge, edge, 1)), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(folder / f"{number % PER_IDENTITY}{ending}")


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    result = work()
    return round(time.perf_counter() - begun, 4), result


def folder_figures(root: Path, cache: Path) -> tuple[dict[str, float], FaceDataset]:
    config = DataConfig(source=str(root))
    cold, _ = seconds(lambda: open_dataset(config, seed=1, cache=cache))
    warm, data = seconds(lambda: open_dataset(config, seed=1, cache=cache))
    inspection, seen = seconds(lambda: inspect(data))
    samples, _ = seconds(lambda: data.read_hr(seen.sample_indices))
    order = np.random.default_rng(0).permutation(len(data))
    high, _ = seconds(lambda: [data.read_hr(order[i : i + 32]) for i in range(0, 3200, 32)])
    pair, _ = seconds(lambda: [data.read_pair(order[i : i + 32]) for i in range(0, 3200, 32)])
    figures = {"open_cold_s": cold, "open_warm_s": warm, "inspect_s": inspection, "samples_s": samples}
    rates = {"read_hr_images_per_s": round(3200 / high), "read_pair_images_per_s": round(3200 / pair)}
    return figures | rates, data


def loader_figures(data: FaceDataset, workers: int) -> dict[str, float]:
    from edgeft_core.data.batches import BatchLoader  # noqa: PLC0415  torch is no part of what is timed above

    loader = BatchLoader(data, "train", batch_size=32, seed=1, shuffle=True, workers=workers)
    first, _ = seconds(lambda: next(loader.epoch(0)))
    epoch, batches = seconds(lambda: sum(len(batch.labels_B) for batch in loader.epoch(1)))
    loader.close()
    return {"workers": workers, "first_batch_s": first, "images_per_s": round(batches / epoch)}


def drawn_figures(cache: Path) -> dict[str, float]:
    opened, data = seconds(lambda: open_dataset(DataConfig(), seed=1, cache=cache))
    draw, _ = seconds(lambda: data.read_hr(np.arange(320)))
    again, _ = seconds(lambda: data.read_hr(np.arange(320)))
    return {
        "open_s": opened,
        "draw_images_per_s": round(320 / draw),
        "drawn_before_images_per_s": round(320 / again),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--edge", type=int, default=250)
    parser.add_argument("--ending", default=".jpg")
    parser.add_argument("--workers", type=int, nargs="*", default=[0, 2])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        root, cache = Path(place) / "faces", Path(place) / "cache"
        write_folder(root, asked.images, asked.edge, asked.ending)
        folder, data = folder_figures(root, cache)
        figures = {
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
            "images": asked.images,
            "edge_px": asked.edge,
            "ending": asked.ending,
            "folder": folder,
            "drawn": drawn_figures(cache),
            "loader": [loader_figures(data, workers) for workers in asked.workers],
        }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
