"""Any timm model as an embedding network."""

from __future__ import annotations

import difflib

import torch
from torch import Tensor, nn

from edgeft_core.errors import ConfigError
from edgeft_core.models import torchvision_compat  # noqa: F401 - before timm

import timm  # isort: skip


class TimmBackbone(nn.Module):
    """A timm model whose classifier is replaced by a linear embedding layer.

    Input: images_B3HW. Output: emb_BD, not normalised. Keys start with ``model.``, as EdgeFace's do.

    Args:
        name: timm's name, with or without a pretrained tag (``resnet18``, ``vit_tiny_patch16_224.augreg_in21k``).
        image_px: edge of the square input; models with a fixed input size are built for it.
        pretrained: download timm's own weights; the embedding layer stays random.

    Raises:
        ConfigError: no such model (names the nearest), or it cannot take images of this size.
    """

    def __init__(
        self, name: str, embedding_dim: int = 512, *, image_px: int = 112, pretrained: bool = False
    ) -> None:
        super().__init__()
        if not is_timm_model(name):
            raise ConfigError([unknown_model(name)])
        size = {"img_size": image_px} if _has_fixed_size(name) else {}
        try:
            self.model = timm.create_model(name, pretrained=pretrained, num_classes=embedding_dim, **size)
        except (AssertionError, TypeError, ValueError) as error:
            raise ConfigError([_cannot_take(name, image_px, error)]) from error
        _try_out(self.model, name, embedding_dim, image_px)

    def forward(self, images_B3HW: Tensor) -> Tensor:
        emb_BD: Tensor = self.model(images_B3HW)
        return emb_BD


def is_timm_model(name: str) -> bool:
    """Whether timm itself has an architecture of this name (names that point elsewhere do not count)."""
    return ":" not in name and bool(timm.is_model(name))


def unknown_model(name: str, more: tuple[str, ...] = ()) -> str:
    """A sentence that names the nearest of timm's models and of ``more``."""
    arch, _, _ = name.partition(".")
    near = difflib.get_close_matches(arch, [*more, *timm.list_models()], n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else "; timm.list_models() lists timm's."
    return f"backbone.name: no backbone is called {name!r}{hint}"


def _has_fixed_size(name: str) -> bool:
    pretrained = timm.get_pretrained_cfg(name, allow_unregistered=True)
    return bool(pretrained is not None and pretrained.fixed_input_size)


@torch.no_grad()
def _try_out(model: nn.Module, name: str, embedding_dim: int, image_px: int) -> None:
    """One image through the model, so that a misfit shows here and not in the first step of the run."""
    was_training = model.training
    try:
        out = model.eval()(torch.zeros(1, 3, image_px, image_px))
    except (AssertionError, RuntimeError, ValueError) as error:
        raise ConfigError([_cannot_take(name, image_px, error)]) from error
    model.train(was_training)
    if not isinstance(out, Tensor) or out.shape != (1, embedding_dim):
        raise ConfigError(
            [f"backbone.name: timm's {name} does not give one embedding per image; choose another"]
        )


def _cannot_take(name: str, image_px: int, error: Exception) -> str:
    return (
        f"backbone.name: timm's {name} cannot take images of {image_px} px ({error}); "
        "choose another model or another data.image_px"
    )
