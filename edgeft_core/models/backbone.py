"""Build a backbone and fill it with weights, every tensor accounted for."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from edgeft_core import models
from edgeft_core.config import BackboneConfig
from edgeft_core.errors import ConfigError, EdgeFTError, WeightsError
from edgeft_core.models.timm_backbone import TimmBackbone, is_timm_model, unknown_model
from edgeft_core.models.weights.causes import Misfit, likely_cause
from edgeft_core.models.weights.factors import multiplied
from edgeft_core.models.weights.matching import account, dtype_words, match_tensors
from edgeft_core.models.weights.reading import WeightFile, read_weight_file
from edgeft_core.models.weights.report import WeightsReport
from edgeft_core.models.weights.wrapping import core_key
from edgeft_core.settings import CHECKPOINTS, DEMO_WEIGHTS

DEMO_BACKBONE = "edgeface_xxs"
DEMO_EMBEDDING_DIM = 512


@dataclass(frozen=True)
class LoadedBackbone:
    """A network that maps images_B3HW to emb_BD, and where its weights came from."""

    module: nn.Module
    report: WeightsReport


def build_backbone(config: BackboneConfig, *, image_px: int = 112, seed: int = 0) -> LoadedBackbone:
    """Build ``config.name`` and fill it from ``config.weights``: ``demo``, ``none``, ``timm`` or a file.

    Whatever stays random depends on ``seed`` alone; torch's global generator is left as it was.

    Args:
        image_px: edge of the square images; matters to timm models with a fixed input size only.

    Raises:
        ConfigError: no such backbone (names the nearest), or it cannot take images of this size.
        WeightsError: no such file, an unreadable one, or one that does not match in full while
            ``config.allow_partial`` is off; lists what differs by module, and the likely cause.
    """
    _check_name(config.name)
    file = _file_for(config)
    with _seeded(seed):
        module = _construct(config, image_px)
    if file is not None:
        return LoadedBackbone(module, load_weights(module, file, config))
    return LoadedBackbone(module, _report_without_file(module, config))


def load_weights(module: nn.Module, file: WeightFile, config: BackboneConfig) -> WeightsReport:
    """Copy every tensor that fits into ``module`` (as its own type), and account for all of them.

    Raises:
        WeightsError: anything but a full match, unless ``config.allow_partial``; ``module`` is then unchanged.
    """
    network: dict[str, Tensor] = module.state_dict()
    tensors, factors = file.tensors, 0
    if config.multiply_low_rank:
        tensors, factors = multiplied(network, tensors)
    match = match_tensors(network, tensors)
    misfit = Misfit(
        backbone=config.name,
        embedding_dim=config.embedding_dim,
        network={core_key(key)[0]: tuple(tensor.shape) for key, tensor in network.items()},
        file={core_key(key)[0]: tuple(tensor.shape) for key, tensor in tensors.items()},
        names=tuple(tensors),
        problems=match.problems,
        products_fit=bool(match.problems) and _products_fit(network, tensors),
    )
    report = WeightsReport(
        source=config.weights,
        backbone=config.name,
        modules=account(network, match.loadable, match.problems),
        problems=match.problems,
        likely_cause=likely_cause(misfit) if match.problems else "",
        file_format=file.file_format,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        wrapping=(*file.entries, *match.prefixes),
        dtypes=dict(Counter(dtype_words(tensor) for tensor in file.tensors.values())),
        multiplied=factors,
    )
    if match.problems and not config.allow_partial:
        raise WeightsError(report.explanation(), report.as_dict())
    module.load_state_dict(match.loadable, strict=False)
    return report


def _products_fit(network: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> bool:
    """Whether the file is whole once its low-rank factors are multiplied."""
    tensors, factors = multiplied(network, found)
    return factors > 0 and not match_tensors(network, tensors).problems


def _check_name(name: str) -> None:
    if name not in models.BACKBONES and not is_timm_model(name):
        raise ConfigError([unknown_model(name, tuple(models.BACKBONES))])


def _construct(config: BackboneConfig, image_px: int) -> nn.Module:
    pretrained = config.weights == "timm"
    try:
        if config.name in models.BACKBONES:
            return models.BACKBONES[config.name](config.embedding_dim, pretrained=pretrained)
        return TimmBackbone(config.name, config.embedding_dim, image_px=image_px, pretrained=pretrained)
    except EdgeFTError:
        raise
    except Exception as error:  # the download passes through libraries with errors of their own
        if not pretrained:
            raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsError(
            f"timm's weights for {config.name} could not be fetched ({reason}). Check the network, or choose "
            "backbone.weights=none, demo or a file."
        ) from error


def _file_for(config: BackboneConfig) -> WeightFile | None:
    if config.weights in {"none", "timm"}:
        return None
    if config.weights != "demo":
        return read_weight_file(find_weights(config.weights))
    if (config.name, config.embedding_dim) != (DEMO_BACKBONE, DEMO_EMBEDDING_DIM):
        raise WeightsError(
            f"The demo weights fit {DEMO_BACKBONE} with embeddings of {DEMO_EMBEDDING_DIM} only, not {config.name} "
            f"with {config.embedding_dim}. Set backbone.weights to none, timm or a file."
        )
    if not DEMO_WEIGHTS.is_file():
        raise WeightsError(
            f"The demo weights {DEMO_WEIGHTS} are not there. Fetch them from the project again, or set "
            "backbone.weights to none, timm or a file."
        )
    return read_weight_file(DEMO_WEIGHTS)


def find_weights(name: str) -> Path:
    """The file meant by ``backbone.weights``: as given, else inside ``checkpoints/``.

    Raises:
        WeightsError: no such file; names the nearest in ``checkpoints/``.
    """
    given = Path(name).expanduser()
    for path in (given, CHECKPOINTS / given, CHECKPOINTS.parent / given):
        if path.is_file():
            return path.resolve()
    there = sorted(path.name for path in CHECKPOINTS.glob("*") if path.suffix not in {"", ".md"})
    near = difflib.get_close_matches(given.name, [*there, "demo", "none", "timm"], n=1, cutoff=0.5)
    what = "is a folder, not a weight file" if given.is_dir() else "is not there"
    hint = f"Did you mean {near[0]}?" if near else "Give the path of a file, or demo, none or timm."
    raise WeightsError(f"backbone.weights: {given} {what} (looked in {CHECKPOINTS} too). {hint}")


def _report_without_file(module: nn.Module, config: BackboneConfig) -> WeightsReport:
    network: dict[str, Tensor] = module.state_dict()
    random = set(network) if config.weights == "none" else set(_classifier_keys(module, network))
    loaded = [key for key in network if key not in random]
    cautions: tuple[str, ...] = ()
    if config.weights == "timm":
        cautions = (
            f"timm's weights for {config.name} were trained on ImageNet: they know no identities, the embedding "
            f"layer ({', '.join(sorted(random))}) is random, and they expect data.normalisation=imagenet unless "
            "the model's card says otherwise.",
        )
    return WeightsReport(
        source=config.weights,
        backbone=config.name,
        modules=account(network, loaded),
        cautions=cautions,
    )


def _classifier_keys(module: nn.Module, network: Iterable[str]) -> list[str]:
    inner: Any = module.get_submodule("model")
    names = inner.pretrained_cfg["classifier"]
    heads = [names] if isinstance(names, str) else list(names)
    return [key for key in network if any(key.startswith(f"model.{head}.") for head in heads)]


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
