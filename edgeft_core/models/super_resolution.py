"""Enlarging low-resolution faces: bicubic, our own small residual network, or a file that a user brings.

Every super-resolver maps float images 0..1 of shape (B, 3, h, w) to (B, 3, H, W) and runs batched on the
training device, never in a loader's process.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import interpolate

from edgeft_core.config import DataConfig
from edgeft_core.errors import WeightsError

FORMAT = "edgeft-residual-sr-1"


class BicubicUpscaler(nn.Module):
    """Plain bicubic enlargement to a square of ``image_px``; has no parameters."""

    def __init__(self, image_px: int) -> None:
        super().__init__()
        self.image_px = image_px

    def forward(self, images_B3hw: Tensor) -> Tensor:
        """(B, 3, h, w) -> (B, 3, image_px, image_px), both 0..1."""
        size = (self.image_px, self.image_px)
        enlarged: Tensor = interpolate(images_B3hw, size=size, mode="bicubic", align_corners=False)
        return enlarged.clamp(0.0, 1.0)


class _ResidualBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        out: Tensor = features + self.second(torch.relu(self.first(features)))
        return out


class ResidualUpscaler(nn.Module):
    """Bicubic plus what it lacks: residual blocks at low resolution, then detail at full resolution.

    Blocks without normalisation and a global skip follow EDSR (Lim et al., "Enhanced Deep Residual Networks for
    Single Image Super-Resolution", CVPRW 2017); features are enlarged by 2 with a sub-pixel convolution (Shi et
    al., CVPR 2016), then resampled to ``image_px``, since 112 is no multiple of 24 or 32. The last layer starts
    at zero: an untrained network is bicubic. 16, 24 and 32 px go through the same weights.
    """

    def __init__(self, image_px: int = 112, *, width: int = 48, blocks: int = 6) -> None:
        super().__init__()
        self.bicubic = BicubicUpscaler(image_px)
        self.width, self.n_blocks = width, blocks
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.blocks = nn.Sequential(*(_ResidualBlock(width) for _ in range(blocks)))
        self.widen = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.subpixel = nn.PixelShuffle(2)
        self.detail = nn.Conv2d(width // 2, 16, 3, padding=1)
        self.out = nn.Conv2d(16, 3, 3, padding=1, bias=False)
        nn.init.zeros_(self.out.weight)

    @property
    def image_px(self) -> int:
        """Edge of the output."""
        px: int = self.bicubic.image_px
        return px

    def forward(self, images_B3hw: Tensor) -> Tensor:
        """(B, 3, h, w) -> (B, 3, image_px, image_px), both 0..1."""
        return self.enlarged(images_B3hw).clamp(0.0, 1.0)

    def enlarged(self, images_B3hw: Tensor) -> Tensor:
        """The same without clamping, for training: a clamp has no gradient where it matters."""
        size = (self.image_px, self.image_px)
        features = self.stem(images_B3hw - 0.5)
        features = self.subpixel(self.widen(features + self.blocks(features)))
        features = interpolate(features, size=size, mode="bilinear", align_corners=False)
        residual: Tensor = self.out(torch.relu(self.detail(features)))
        plain: Tensor = self.bicubic(images_B3hw)
        return plain + residual


def build_super_resolver(config: DataConfig) -> nn.Module:
    """The enlarger that ``data.super_resolution`` names, in eval mode, on the CPU, without gradients.

    Raises:
        WeightsError: no such file, neither safetensors of the built-in network nor TorchScript, or it does not
            map (B, 3, low_res_px, low_res_px) to (B, 3, image_px, image_px) within 0..1.
    """
    if config.super_resolution == "bicubic":
        return BicubicUpscaler(config.image_px).eval()
    path = Path(config.super_resolution.strip().strip("\"'")).expanduser()
    if not path.is_file():
        raise WeightsError(
            f"data.super_resolution: there is no file {path}. Give 'bicubic', a TorchScript file, or safetensors "
            "written by `train-sr`."
        )
    network = load_residual(path, config.image_px) if path.suffix == ".safetensors" else _load_script(path)
    network.eval()
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    _check(network, path, config)
    return network


def load_residual(path: Path, image_px: int) -> ResidualUpscaler:
    """Our own network from a file that :func:`save_residual` wrote.

    Raises:
        WeightsError: not such a file, or a tensor is missing, unexpected or of another shape.
    """
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no mapping
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} is no readable safetensors file ({error}).") from error
    if about.get("format") != FORMAT:
        raise WeightsError(
            f"{path} holds no super-resolution network of EdgeFT; `train-sr` writes one. "
            "Another network can be used as a TorchScript file."
        )
    network = ResidualUpscaler(image_px, width=int(about["width"]), blocks=int(about["blocks"]))
    own = network.state_dict()
    problems = [f"{name} is missing" for name in own if name not in tensors]
    problems += [f"{name} is unexpected" for name in tensors if name not in own]
    problems += [
        f"{name} has shape {tuple(tensors[name].shape)}, not {tuple(own[name].shape)}"
        for name in own
        if name in tensors and tensors[name].shape != own[name].shape
    ]
    if problems:
        raise WeightsError(f"{path} does not fit the super-resolution network: {'; '.join(problems)}.")
    network.load_state_dict(tensors)
    return network


def save_residual(network: ResidualUpscaler, path: Path, about: Mapping[str, str]) -> None:
    """Write our own network, with ``about`` in the file's header; complete or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    header = {"format": FORMAT, "width": str(network.width), "blocks": str(network.n_blocks), **about}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        save_file(tensors, beside, metadata=header)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _load_script(path: Path) -> nn.Module:
    """A user's own network. TorchScript is a program, run by torch: a file to trust as one trusts its author."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # torch prefers torch.export; users have these files
            script: nn.Module = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError, OSError) as error:
        raise WeightsError(
            f"{path} is no TorchScript file ({str(error).splitlines()[0]}). A plain state dict cannot be used "
            "for super-resolution, since it does not say which network it belongs to: "
            "export yours with torch.jit.trace(...).save(...)."
        ) from error
    return script


@torch.no_grad()
def _check(network: nn.Module, path: Path, config: DataConfig) -> None:
    """Enlarge one grey image: shape and range are known before a run starts."""
    wanted = (1, 3, config.image_px, config.image_px)
    grey = torch.full((1, 3, config.low_res_px, config.low_res_px), 0.5)
    try:
        out = network(grey)
    except Exception as error:  # a foreign network may raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[-1]
        raise WeightsError(f"{path} cannot enlarge a {config.low_res_px} px image: {reason}.") from error
    if not isinstance(out, Tensor) or tuple(out.shape) != wanted:
        got = tuple(out.shape) if isinstance(out, Tensor) else type(out).__name__
        raise WeightsError(f"{path} turns {tuple(grey.shape)} into {got}; {wanted} is needed.")
    if not torch.isfinite(out).all() or out.mean() < 0.2 or out.mean() > 0.8:
        raise WeightsError(
            f"{path} turns mid-grey (0.5) into {out.mean():.3g}: it must take and give values from 0 to 1."
        )
