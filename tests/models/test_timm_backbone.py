"""Any timm model as a backbone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from edgeft_core.config import BackboneConfig
from edgeft_core.errors import ConfigError, WeightsError
from edgeft_core.models import build_backbone


def config(name: str, weights: str = "none", embedding_dim: int = 64) -> BackboneConfig:
    return BackboneConfig(name=name, weights=weights, embedding_dim=embedding_dim)


@pytest.mark.parametrize(
    "name", ["mobilenetv3_small_050", "vit_tiny_patch16_224.augreg_in21k", "test_convnext"]
)
def test_model_embeds_faces_of_112_px(name: str) -> None:
    network = build_backbone(config(name)).module.eval()
    assert network(torch.zeros(2, 3, 112, 112)).shape == (2, 64)


def test_fixed_size_model_is_built_for_the_images_of_the_run() -> None:
    network = build_backbone(config("test_vit"), image_px=64).module.eval()
    assert network(torch.zeros(1, 3, 64, 64)).shape == (1, 64)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("edgeface_xs", "edgeface_xxs"), ("edgface_base", "edgeface_base"), ("resnet19", "resnet18")],
)
def test_unknown_name_is_answered_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(ConfigError, match=nearest):
        build_backbone(config(name))


@pytest.mark.parametrize("name", ["hf_hub:someone/model", "local-dir:/tmp", "zzzzzz"])
def test_names_that_point_outside_timm_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"no backbone is called .*list_models"):
        build_backbone(config(name))


def test_model_that_cannot_take_the_size_says_so_before_training() -> None:
    with pytest.raises(
        ConfigError, match=r"efficientformer_l1 cannot take images of 112 px .*data\.image_px"
    ):
        build_backbone(config("efficientformer_l1"))


def weights_of(seed: int) -> dict[str, Tensor]:
    return build_backbone(config("edgeface_xxs"), seed=seed).module.state_dict()


def test_random_weights_depend_on_the_seed_alone_and_leave_the_generator_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(4)
    torch.manual_seed(7)
    one = weights_of(1)
    assert torch.equal(torch.rand(4), expected)
    assert all(torch.equal(tensor, one[key]) for key, tensor in weights_of(1).items())
    assert not torch.equal(weights_of(2)["model.stem.0.weight"], one["model.stem.0.weight"])


def test_weights_that_cannot_be_fetched_are_explained(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path_factory.mktemp("hub")))
    with pytest.raises(WeightsError, match=r"edgeface_xxs could not be fetched .*backbone\.weights=none"):
        build_backbone(config("edgeface_xxs", "timm"))


def test_a_pretrained_tag_that_does_not_exist_is_explained() -> None:
    with pytest.raises(
        WeightsError, match=r"resnet10t\.nothing could not be fetched \(Invalid pretrained tag"
    ):
        build_backbone(config("resnet10t.nothing", "timm"))
