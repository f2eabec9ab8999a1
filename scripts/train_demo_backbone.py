"""Train the demo backbone that ships with the project, on synthetic people that the app never shows.

    python scripts/train_demo_backbone.py                       # draw, train, export, measure
    python scripts/train_demo_backbone.py --measure FILE        # only measure a weight file

Draws `--people` identities of seed 1000 once into a cache, then trains EdgeFace xxs from scratch with a CosFace head:
first on pictures reduced to 64 px (cheap), then at 112 px. About half of the pictures are reduced to 16-32 px and
enlarged again, because the app trains on super-resolved faces. At the end the network is made sensitive
to the range of its pixels (see `unnormalised_spread`). Every `--save-every` steps the state is saved; the same
command goes on from there. The weights are measured on the default data set (seed 0, 518 identities x 12 pictures),
none of whose identities is ever trained on.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import queue
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from safetensors.torch import load_file, save_file

from edgeft_core.data.synthetic import GENERATOR_VERSION, SyntheticCache
from edgeft_core.models.edgeface import edgeface_xxs

ROOT = Path(__file__).resolve().parents[1]
TRAIN_SEED = 1000
HELD_OUT_PEOPLE = 518
HELD_OUT_SHOTS = 12
GALLERY_SHOTS = 8
EMBEDDING_DIM = 512


@dataclass(frozen=True)
class Recipe:
    """What is trained; learning rates and margins follow `progress`, the share of the steps that are done."""

    people: int
    shots: int
    steps: int
    batch: int
    seed: int = 0
    peak_lr: float = 2e-3
    weight_decay: float = 0.05
    warmup_steps: int = 200
    scale: float = 32.0
    margin: float = 0.20
    small_px: int = 64
    small_share: float = 0.6
    sensitive_from: int = 1600
    sensitive_steps: int = 60
    sensitive_lr: float = 3e-4
    sensitive_images: int = 32

    @property
    def last_step(self) -> int:
        return self.sensitive_from + self.sensitive_steps

    def lr(self, step: int) -> float:
        if step >= self.sensitive_from:
            return _annealed(self.sensitive_lr, (step - self.sensitive_from) / self.sensitive_steps)
        return min(1.0, (step + 1) / self.warmup_steps) * _annealed(self.peak_lr, step / self.steps)

    def cosine_margin(self, step: int) -> float:
        return self.margin * min(1.0, max(0.0, (step / self.steps - 0.15) / 0.35))

    def px(self, step: int) -> int:
        return self.small_px if step < self.small_share * self.steps else 112


def _annealed(peak: float, progress: float) -> float:
    """Half a cosine from `peak` to 1 % of it."""
    return peak * (0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2)


def unnormalised_spread(network: nn.Module, images_B3HW: Tensor) -> Tensor:
    """1 - mean cosine of different pictures when their pixels are fed as 0 to 255; training brings it down.

    Drawn portraits vary so much in light that a network trained on nothing else hardly minds un-normalised pixels:
    different people then have a cosine of .60. A network trained on photographs minds: .96 was measured with an
    EdgeNeXt-XXS on real faces. The demo backbone is there to show that failure, so it is taught to have it.
    """
    emb_BD = functional.normalize(network((images_B3HW + 1) * 127.5).float())
    count = emb_BD.shape[0]
    return 1 - (emb_BD.sum(dim=0).square().sum() - count) / (count * (count - 1))


class CosFace(nn.Module):
    """Cross-entropy over s (cos(angle) - m [true class]); Wang et al., CVPR 2018."""

    def __init__(self, classes: int, scale: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, EMBEDDING_DIM) * 0.05)
        self.scale = scale

    def forward(self, emb_BD: Tensor, labels_B: Tensor, margin: float) -> tuple[Tensor, Tensor]:
        """Loss, and the share of the batch whose nearest class weight is its own."""
        cosine_BC = functional.linear(functional.normalize(emb_BD), functional.normalize(self.weight))
        hits = (cosine_BC.argmax(dim=1) == labels_B).float().mean()
        taken = functional.one_hot(labels_B, cosine_BC.shape[1]) * margin
        return functional.cross_entropy(self.scale * (cosine_BC - taken), labels_B), hits


def new_backbone(seed: int) -> nn.Module:
    """EdgeFace xxs whose layer scales start at 0.1: timm's 1e-6 is made for schedules a hundred times as long."""
    torch.manual_seed(seed)
    network = edgeface_xxs(EMBEDDING_DIM)
    for name, value in network.named_parameters():
        if name.rsplit(".", 1)[-1].startswith("gamma"):
            nn.init.constant_(value, 0.1)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def to_network(images: np.ndarray) -> Tensor:
    """uint8 (B, px, px, 3) to float (B, 3, px, px) in -1..1, channels last in memory."""
    return (torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5


def through_small(images_B3HW: Tensor, small_px: int) -> Tensor:
    """Reduce to small_px and enlarge again (bicubic), as a low-resolution camera and a plain enlarger would."""
    px = images_B3HW.shape[-1]
    small = functional.interpolate(images_B3HW, size=small_px, mode="bicubic", antialias=True)
    return functional.interpolate(small, size=px, mode="bicubic").clamp_(-1, 1)


def augment(images_B3HW: Tensor, px: int, rng: np.random.Generator) -> Tensor:
    """Flip half, send half through 16-32 px (four groups of one size each), and scale to px."""
    batch = images_B3HW.shape[0]
    flips = torch.from_numpy(rng.random(batch) < 0.5)
    images_B3HW[flips] = images_B3HW[flips].flip(-1)
    if px != images_B3HW.shape[-1]:
        images_B3HW = functional.interpolate(images_B3HW, size=px, mode="bilinear", antialias=True)
    for group in torch.from_numpy(rng.permutation(batch)[: batch // 2]).chunk(4):
        images_B3HW[group] = through_small(images_B3HW[group], int(rng.integers(16, 33)))
    return images_B3HW.contiguous(memory_format=torch.channels_last)


def batches(cache: SyntheticCache, recipe: Recipe, first_step: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Augmented pictures and labels from `first_step` on, prepared two batches ahead by a thread."""
    ready: queue.Queue[tuple[Tensor, Tensor]] = queue.Queue(maxsize=2)

    def prepare() -> None:
        per_epoch = len(cache) // recipe.batch
        for step in range(first_step, recipe.last_step):
            epoch, place = divmod(step, per_epoch)
            if place == 0 or step == first_step:
                order = np.random.default_rng([recipe.seed, 1, epoch]).permutation(len(cache))
            positions = order[place * recipe.batch : (place + 1) * recipe.batch]
            images = to_network(cache.read(positions))
            labels = torch.from_numpy(positions // recipe.shots)
            ready.put(
                (augment(images, recipe.px(step), np.random.default_rng([recipe.seed, 2, step])), labels)
            )

    threading.Thread(target=prepare, daemon=True).start()
    for _ in range(first_step, recipe.last_step):
        yield ready.get()


@torch.no_grad()
def embed(network: nn.Module, images: np.ndarray, small_px: int | None, batch: int = 128) -> Tensor:
    """Unit-length embeddings (N, D) of uint8 pictures, optionally sent through small_px first."""
    network.eval()
    parts = []
    for start in range(0, len(images), batch):
        inputs = to_network(images[start : start + batch])
        if small_px is not None:
            inputs = through_small(inputs, small_px)
        parts.append(functional.normalize(network(inputs.contiguous(memory_format=torch.channels_last))))
    network.train()
    return torch.cat(parts)


def recognition(emb_ISD: Tensor) -> dict[str, float]:
    """Figures of I identities x S pictures: class means from the first 8, probes are the rest."""
    people, shots, _ = emb_ISD.shape
    means = functional.normalize(emb_ISD[:, :GALLERY_SHOTS].mean(dim=1))
    probes = emb_ISD[:, GALLERY_SHOTS:].flatten(0, 1)
    found = (probes @ means.T).topk(5, dim=1).indices
    truth = torch.arange(people).repeat_interleave(shots - GALLERY_SHOTS)[:, None]
    within = (
        emb_ISD.sum(dim=1).square().sum(dim=1)
    )  # all pairs of one identity, a picture with itself included
    everything = emb_ISD.flatten(0, 1).sum(dim=0).square().sum()
    count = people * shots
    return {
        "nearest_class_mean_top1": float((found[:, :1] == truth).float().mean()),
        "nearest_class_mean_top5": float((found == truth).any(dim=1).float().mean()),
        "different_identity_cosine": float((everything - within.sum()) / (count * (count - shots))),
        "same_identity_cosine": float((within - shots).mean() / (shots * (shots - 1))),
    }


def measure(network: nn.Module, work: Path, people: int = HELD_OUT_PEOPLE) -> dict[str, dict[str, float]]:
    """Recognition on the first people of the default data set, as drawn and enlarged from 32 px."""
    cache = SyntheticCache(work, identities=HELD_OUT_PEOPLE, images_per_identity=HELD_OUT_SHOTS)
    images = cache.read(np.arange(people * HELD_OUT_SHOTS))
    figures = {}
    for name, small_px in (("112px", None), ("32px_bicubic", 32)):
        emb = embed(network, images, small_px)
        figures[name] = recognition(emb.reshape(people, HELD_OUT_SHOTS, -1))
    return figures


def draw_share(work: Path, people: int, shots: int, share: int, shares: int) -> None:
    cache = SyntheticCache(work, identities=people, images_per_identity=shots, seed=TRAIN_SEED)
    mine = cache.missing()[share::shares]
    for start in range(0, len(mine), 256):
        cache.read(mine[start : start + 256])


def draw_all(work: Path, people: int, shots: int, processes: int) -> SyntheticCache:
    """Draw what the cache lacks, in several processes."""
    cache = SyntheticCache(work, identities=people, images_per_identity=shots, seed=TRAIN_SEED)
    if cache.missing().size:
        print(f"drawing {cache.missing().size} pictures", flush=True)
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            jobs = [(work, people, shots, share, processes) for share in range(processes)]
            pool.starmap(draw_share, jobs, chunksize=1)
    return cache


def weight_groups(parameters: list[nn.Parameter], decay: float) -> list[dict[str, object]]:
    """Weight decay for matrices and kernels, none for biases, norms and layer scales."""
    return [
        {"params": [value for value in parameters if value.ndim > 1], "weight_decay": decay},
        {"params": [value for value in parameters if value.ndim <= 1], "weight_decay": 0.0},
    ]


def train(recipe: Recipe, work: Path, cache: SyntheticCache, save_every: int) -> nn.Module:
    """Train, or go on from the saved state; prints rates every 50 steps and held-out figures when it saves."""
    network, head = new_backbone(recipe.seed), CosFace(recipe.people, recipe.scale)
    parameters = [*network.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(weight_groups(parameters, recipe.weight_decay), lr=recipe.peak_lr)
    state_file, first = work / "state.pt", 0
    if state_file.exists():
        state = torch.load(state_file, weights_only=True)
        network.load_state_dict(state["network"])
        head.load_state_dict(state["head"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]
        print(f"going on from step {first}", flush=True)
    since, losses, hits = time.perf_counter(), 0.0, 0.0
    for step, (images, labels) in enumerate(batches(cache, recipe, first), start=first):
        for group in optimizer.param_groups:
            group["lr"] = recipe.lr(step)
        with torch.autocast("cpu", torch.bfloat16):
            emb_BD = network(images)
            spread = (
                unnormalised_spread(network, images[: recipe.sensitive_images])
                if step >= recipe.sensitive_from
                else torch.zeros(())
            )
        loss, hit = head(emb_BD.float(), labels, recipe.cosine_margin(step))
        optimizer.zero_grad()
        (loss + recipe.scale * spread).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        losses, hits = losses + float(loss.detach()), hits + float(hit)
        if (step + 1) % 20 == 0:
            rate = 20 * recipe.batch / (time.perf_counter() - since)
            print(
                f"step {step + 1} px {recipe.px(step)} loss {losses / 20:.3f} top1 {hits / 20:.3f} "
                f"img/s {rate:.0f} lr {recipe.lr(step):.2e} un-normalised cosine {1 - float(spread.detach()):.3f}",
                flush=True,
            )
            since, losses, hits = time.perf_counter(), 0.0, 0.0
        if (step + 1) % save_every == 0 or step + 1 in (recipe.sensitive_from, recipe.last_step):
            state = {
                "network": network.state_dict(),
                "head": head.state_dict(),
                "optimizer": optimizer.state_dict(),
            }
            torch.save({**state, "step": step + 1}, state_file.with_suffix(".new"))
            state_file.with_suffix(".new").replace(state_file)
            print(json.dumps({"step": step + 1, "held_out": measure(network, work, people=100)}), flush=True)
            since = time.perf_counter()
    return network


def export(network: nn.Module, path: Path) -> None:
    """Write the backbone as fp16 safetensors, keys as published for EdgeFace (`model.` ...)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    halves = {key: value.detach().half().contiguous() for key, value in network.state_dict().items()}
    save_file(
        halves, path, metadata={"format": "pt", "source": f"synthetic faces, generator {GENERATOR_VERSION}"}
    )


def load_exported(path: Path) -> nn.Module:
    network = edgeface_xxs(EMBEDDING_DIM)
    network.load_state_dict({key: value.float() for key, value in load_file(path).items()})
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--work", type=Path, default=ROOT / ".edgeft" / "demo_backbone", help="pictures and state"
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "checkpoints" / "edgeface_xxs_synthetic.safetensors"
    )
    parser.add_argument("--people", type=int, default=3000)
    parser.add_argument("--shots", type=int, default=14)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--save-every", type=int, default=250)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--export", action="store_true", help="write the weights of the saved state, then measure"
    )
    parser.add_argument("--measure", type=Path, metavar="FILE", help="only measure this weight file")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    chosen.work.mkdir(parents=True, exist_ok=True)
    if chosen.export:
        network = new_backbone(seed=0)
        network.load_state_dict(torch.load(chosen.work / "state.pt", weights_only=True)["network"])
        export(network, chosen.out)
    elif chosen.measure is None:
        recipe = Recipe(people=chosen.people, shots=chosen.shots, steps=chosen.steps, batch=chosen.batch)
        cache = draw_all(chosen.work, chosen.people, chosen.shots, chosen.threads)
        export(train(recipe, chosen.work, cache, chosen.save_every), chosen.out)
    path = chosen.measure or chosen.out
    print(json.dumps({"file": path.name, "figures": measure(load_exported(path), chosen.work)}, indent=2))


if __name__ == "__main__":
    main()
