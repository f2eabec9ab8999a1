"""Training of our own super-resolution network, compared with bicubic on faces that it has not seen."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss, smooth_l1_loss

from edgeft_core.config import DataConfig
from edgeft_core.data import FaceDataset, open_dataset
from edgeft_core.data.batches import Batch, BatchLoader
from edgeft_core.data.transforms import unit_draws
from edgeft_core.engine.device import choose_device, describe
from edgeft_core.errors import DiskFullError, NonFiniteError
from edgeft_core.models.super_resolution import BicubicUpscaler, ResidualUpscaler, save_residual

Progress = Callable[[str, int, int], None]
_SCORED = 512  # validation images at most
_CHECKS = 10  # so many validations over a training
_BETA = 0.01  # errors below 2.5 of 255 count squared: they are noise, not structure


@dataclass(frozen=True)
class Figures:
    """How well faces are enlarged, on validation images.

    Attributes:
        psnr_db, psnr_bicubic_db: mean over images of 10 log10(1 / mean squared error), pixels 0..1.
        step: the step whose weights were kept, the best of all checks.
    """

    psnr_db: float
    psnr_bicubic_db: float
    step: int
    steps: int
    images: int
    parameters: int
    low_res_px: int
    image_px: int
    seconds: float
    device: str


def train_super_resolution(
    data: DataConfig,
    *,
    out: Path,
    cache: Path,
    steps: int = 3000,
    batch_size: int = 16,
    lr: float = 1e-3,
    seed: int = 42,
    device: str = "auto",
    width: int = 32,
    blocks: int = 6,
    progress: Progress | None = None,
) -> dict[str, float | int | str]:
    """Train ``low_res_px`` -> ``image_px`` on the training split and keep the best weights in ``out``.

    The file can be named in ``data.super_resolution``. It is written whenever a check (ten over the training)
    beats the earlier ones, so an interrupted training leaves its best so far.

    Args:
        out: safetensors file to write.
        cache: folder for decoded and drawn images.
        lr: peak learning rate of Adam; a short warm-up, then a cosine to zero.
        width, blocks: channels and residual blocks; 32 and 6 make 134 thousand parameters.
        progress: told ``(what, done, total)``.

    Returns:
        The fields of :class:`Figures`.

    Raises:
        DataError: the data cannot be trained on.
        NonFiniteError: the loss is NaN or Inf; what was kept before stays.
        DiskFullError: ``out`` cannot be written.
    """
    begun = time.monotonic()
    place = choose_device(device)
    dataset = open_dataset(data, seed=seed, cache=cache, progress=progress)
    network = _network(data.image_px, width, blocks, seed).to(place)
    training = BatchLoader(dataset, "train", batch_size=batch_size, seed=seed, shuffle=True, workers=data.workers,
                           drop_last=True)  # fmt: skip
    scoring = BatchLoader(dataset, "validation", batch_size=32, seed=seed, shuffle=True, workers=0)
    best = _untrained(
        network, dataset, mean_psnr(BicubicUpscaler(data.image_px), scoring, place), steps, place
    )
    for step in _steps(network, training, steps=steps, lr=lr, seed=seed, device=place):
        if progress is not None:
            progress("Training super-resolution", step, steps)
        if step % max(1, steps // _CHECKS) and step != steps:
            continue
        psnr = mean_psnr(network, scoring, place)
        if psnr > best.psnr_db:
            best = replace(best, psnr_db=psnr, step=step)
            _keep(network, out, best)
    training.close()
    return asdict(replace(best, seconds=time.monotonic() - begun))


def _network(image_px: int, width: int, blocks: int, seed: int) -> ResidualUpscaler:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ResidualUpscaler(image_px, width=width, blocks=blocks)


def _untrained(
    network: ResidualUpscaler, dataset: FaceDataset, bicubic_db: float, steps: int, device: torch.device
) -> Figures:
    """The figures before any step: every network is better."""
    return Figures(
        psnr_db=-math.inf,
        psnr_bicubic_db=bicubic_db,
        step=0,
        steps=steps,
        images=len(dataset.splits["train"]),
        parameters=sum(one.numel() for one in network.parameters()),
        low_res_px=dataset.low_res_px,
        image_px=dataset.image_px,
        seconds=0.0,
        device=describe(device),
    )


def _keep(network: ResidualUpscaler, out: Path, figures: Figures) -> None:
    about = {
        "low_res_px": str(figures.low_res_px),
        "image_px": str(figures.image_px),
        "psnr_db": f"{figures.psnr_db:.3f}",
        "psnr_bicubic_db": f"{figures.psnr_bicubic_db:.3f}",
    }
    try:
        save_residual(network, out, about)
    except OSError as error:
        raise DiskFullError(f"{out} cannot be written ({error.strerror or error}).") from error


def _steps(
    network: ResidualUpscaler, loader: BatchLoader, *, steps: int, lr: float, seed: int, device: torch.device
) -> Iterator[int]:
    """Train; yields after each optimiser step how many are done."""
    optimiser = torch.optim.Adam(network.parameters(), lr=lr)
    for step, (epoch, batch) in enumerate(_batches(loader, steps)):
        for group in optimiser.param_groups:
            group["lr"] = lr * learning_rate_share(step, steps)
        low, high = _mirrored(*_unit(batch, device), batch.indices_B, view=epoch, seed=seed)
        network.train()
        loss = smooth_l1_loss(network.enlarged(low), high, beta=_BETA)
        if not torch.isfinite(loss):
            raise NonFiniteError(
                f"The super-resolution loss is {loss.item()} at step {step + 1}: lower lr ({lr:g})."
            )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        yield step + 1


def _batches(loader: BatchLoader, steps: int) -> Iterator[tuple[int, Batch]]:
    """(epoch, batch), exactly ``steps`` of them."""
    for step, epoch in enumerate(range(-(-steps // len(loader)))):
        left = steps - step * len(loader)
        for place, batch in enumerate(loader.epoch(epoch)):
            if place >= left:
                return
            yield epoch, batch


def learning_rate_share(step: int, steps: int) -> float:
    """Share of the peak rate at a step (0-based): up over the first 2 %, then half a cosine down to 0."""
    warm = max(1, steps // 50)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _unit(batch: Batch, device: torch.device) -> tuple[Tensor, Tensor]:
    """Low- and high-resolution faces as float 0..1 on the device."""
    assert batch.lr_B3hw is not None
    return batch.lr_B3hw.to(device).float() / 255.0, batch.hr_B3HW.to(device).float() / 255.0


def _mirrored(low: Tensor, high: Tensor, indices_B: Tensor, *, view: int, seed: int) -> tuple[Tensor, Tensor]:
    """Mirror half of the faces, both resolutions alike."""
    flip = (unit_draws(indices_B, view=view, seed=seed, n=1)[:, 0] < 0.5).to(low.device)[:, None, None, None]
    return torch.where(flip, low.flip(-1), low), torch.where(flip, high.flip(-1), high)


@torch.no_grad()
def mean_psnr(network: nn.Module, loader: BatchLoader, device: torch.device) -> float:
    """Mean over (at most 512) images of the peak signal-to-noise ratio in dB, all channels together."""
    network.to(device).eval()
    found: list[Tensor] = []
    for batch in loader.epoch(0):
        low, high = _unit(batch, device)
        error_B = mse_loss(network(low), high, reduction="none").mean(dim=(1, 2, 3))
        found.append(-10 * torch.log10(error_B.clamp_min(1e-10)))
        if sum(len(part) for part in found) >= _SCORED:
            break
    return float(torch.cat(found)[:_SCORED].mean())
