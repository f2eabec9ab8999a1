"""RunConfig: one frozen tree that says everything about a run.

Bounds, units, help text and whether a setting can change while the run goes live here and nowhere else:
forms, sliders, the command line and reports read them through :mod:`edgeft_core.config_keys`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from edgeft_core.config_autopilot import AutopilotConfig
from edgeft_core.config_checkpoints import CheckpointsConfig
from edgeft_core.config_fields import Settings as _Settings
from edgeft_core.config_fields import setting
from edgeft_core.config_sweep import SweepConfig

Normalisation = Literal["minus_one_to_one", "imagenet", "zero_to_one", "none"]
TrainOn = Literal["sr", "hr"]
HeadKind = Literal["arcface", "cosface", "softmax"]
Schedule = Literal["cosine", "constant"]


class DataConfig(_Settings):
    """What is trained on."""

    source: str = setting("synthetic", "Source", "'synthetic' for drawn identities, or a folder of images.")
    identities: int = setting(
        518, "Identities", "How many people are drawn (synthetic only).", ge=2, le=100_000
    )
    images_per_identity: int = setting(
        12,
        "Images per identity",
        "How many pictures of each person are drawn (synthetic only).",
        ge=3,
        le=1000,
    )
    image_px: int = setting(
        112,
        "Image size",
        "Edge of the square that the backbone sees.",
        ge=32,
        le=512,
        unit="px",
        advanced=True,
    )
    train_on: TrainOn = setting(
        "sr", "Train on", "'sr' trains on low-resolution faces enlarged again, 'hr' on the originals."
    )
    low_res_px: Literal[16, 24, 32] = setting(
        32, "Low resolution", "Edge of the low-resolution faces.", unit="px"
    )
    super_resolution: str = setting(
        "bicubic",
        "Super-resolution",
        "How low-resolution faces are enlarged: 'bicubic', or a weight file (TorchScript, or safetensors "
        "of the built-in network).",
        advanced=True,
    )
    normalisation: Normalisation = setting(
        "minus_one_to_one",
        "Normalisation",
        "What is done to pixels before the backbone. EdgeFace expects -1 to 1; 'none' feeds 0 to 255.",
    )
    batch_size: int = setting(32, "Batch size", "Images per step.", ge=2, le=4096, unit="images", log=True)
    validation_fraction: float = setting(
        0.15,
        "Validation share",
        "Share of each identity's images kept for validation.",
        ge=0.01,
        le=0.5,
        advanced=True,
    )
    test_fraction: float = setting(
        0.15,
        "Test share",
        "Share of each identity's images kept for the test at the end.",
        ge=0.01,
        le=0.5,
        advanced=True,
    )
    flip: bool = setting(True, "Flip", "Mirror half of the training images.", advanced=True)
    colour_jitter: float = setting(
        0.1,
        "Colour jitter",
        "Largest relative change of brightness and contrast.",
        ge=0.0,
        le=0.9,
        advanced=True,
    )
    rotation_deg: float = setting(
        5.0, "Rotation", "Largest rotation either way.", ge=0.0, le=45.0, unit="deg", advanced=True
    )
    workers: int | None = setting(
        None,
        "Loader workers",
        "Processes that read images; empty chooses 0 on Windows and 2 elsewhere.",
        ge=0,
        le=64,
        advanced=True,
    )
    max_unreadable_fraction: float = setting(
        0.1,
        "Unreadable images allowed",
        "The run stops when a larger share cannot be read.",
        ge=0.0,
        le=1.0,
        advanced=True,
    )


class BackboneConfig(_Settings):
    """The network that turns a face into an embedding."""

    name: str = setting(
        "edgeface_xxs",
        "Backbone",
        "edgeface_xxs, edgeface_xs_gamma_06, edgeface_s_gamma_05, edgeface_base, or any timm model.",
    )
    weights: str = setting(
        "demo", "Weights", "'demo' (ships with the app), 'none' (random), 'timm' (timm's own), or a file."
    )
    embedding_dim: int = setting(512, "Embedding size", "Numbers per face.", ge=2, le=8192, advanced=True)
    allow_partial: bool = setting(
        False,
        "Accept partly loaded weights",
        "Go on although some layers stay random. The run carries the warning for good.",
        advanced=True,
    )
    multiply_low_rank: bool = setting(
        False,
        "Multiply low-rank factors",
        "Load a low-rank file (linear1, linear2) into a plain network: the product of each pair computes the same.",
        advanced=True,
    )


class HeadConfig(_Settings):
    """The margin head that turns embeddings into class logits."""

    kind: HeadKind = setting("arcface", "Head", "ArcFace, CosFace, or a plain normalised softmax.")
    scale: float = setting(
        16.0,
        "Scale s",
        "Cosines are multiplied by s. Only s / T matters.",
        ge=0.5,
        le=256.0,
        log=True,
        live=True,
    )
    margin_rad: float = setting(
        0.2,
        "Margin m",
        "ArcFace: angle added to the target, in radians. CosFace: the number is taken off the target cosine.",
        ge=0.0,
        le=1.5,
        unit="rad",
        live=True,
    )
    temperature: float = setting(
        1.0,
        "Temperature T",
        "Logits are divided by T before cross-entropy. It never changes which class is predicted.",
        ge=0.05,
        le=64.0,
        log=True,
        live=True,
    )
    centre: bool = setting(
        False, "Centre embeddings", "Subtract the running mean embedding before the head.", live=True
    )
    label_smoothing: float = setting(
        0.0,
        "Label smoothing",
        "Probability taken from the target and spread over all classes.",
        ge=0.0,
        le=0.9,
        live=True,
        advanced=True,
    )


class StageConfig(_Settings):
    """One leg of the training."""

    name: str = setting("head", "Stage", "A short name.", advanced=True)
    epochs: int = setting(10, "Epochs", "Passes over the training images.", ge=1, le=10_000, live=True)
    train_backbone: bool = setting(
        False, "Train the backbone", "Off: only the head learns, on cached embeddings.", live=True
    )
    head_lr: float = setting(
        1e-3, "Head learning rate", "Peak learning rate of the head.", ge=0.0, le=1.0, log=True, live=True
    )
    backbone_lr: float = setting(
        0.0,
        "Backbone learning rate",
        "Peak learning rate of the backbone.",
        ge=0.0,
        le=1.0,
        log=True,
        live=True,
    )
    weight_decay: float = setting(
        3e-5,
        "Head weight decay",
        "Of AdamW, on the head's weights.",
        ge=0.0,
        le=1.0,
        log=True,
        live=True,
        advanced=True,
    )
    backbone_weight_decay: float = setting(
        3e-5,
        "Backbone weight decay",
        "Of AdamW, on the backbone's weights while they are trained.",
        ge=0.0,
        le=1.0,
        log=True,
        live=True,
        advanced=True,
    )
    schedule: Schedule = setting("constant", "Schedule", "How learning rates change over the stage.")
    warmup_steps: int = setting(
        0,
        "Warm-up",
        "Steps in which learning rates rise from 0.",
        ge=0,
        le=1_000_000,
        unit="steps",
        advanced=True,
    )
    contrastive_weight: float = setting(
        0.0,
        "SR/HR weight",
        "Weight of 1 - cos(SR, HR). It only pulls pairs together.",
        ge=0.0,
        le=10.0,
        live=True,
    )
    clip_norm: float = setting(
        1.0,
        "Gradient clip",
        "Largest gradient norm, head and backbone apart.",
        ge=1e-3,
        le=1e4,
        log=True,
        live=True,
        advanced=True,
    )
    patience_epochs: int = setting(
        10,
        "Early stop",
        "Epochs without a better validation before the stage ends.",
        ge=1,
        le=10_000,
        unit="epochs",
        live=True,
        advanced=True,
    )
    cached_views: int = setting(
        2,
        "Cached views",
        "Augmented versions of each image embedded once and reused while the backbone is frozen; "
        "0 embeds anew each time.",
        ge=0,
        le=64,
        advanced=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _one_decay_means_both(cls, given: Any) -> Any:
        """Settings that name one weight decay, as older ones do, mean it for head and backbone."""
        if isinstance(given, dict) and "weight_decay" in given:
            return {"backbone_weight_decay": given["weight_decay"], **given}
        return given

    @model_validator(mode="after")
    def _backbone_needs_a_rate(self) -> StageConfig:
        if self.train_backbone and self.backbone_lr == 0.0:
            raise ValueError(
                "train_backbone is on but backbone_lr is 0: give backbone_lr a value such as 3e-6"
            )
        return self


class MonitorConfig(_Settings):
    """What is watched, and how often."""

    window_images: int = setting(
        1024,
        "Window",
        "Latest predictions that histograms and running Top-k look at.",
        ge=16,
        le=100_000,
        unit="images",
        log=True,
        advanced=True,
    )
    heavy_every_steps: int = setting(
        100,
        "Heavy signals",
        "Steps between effective rank and head-weight cosines.",
        ge=1,
        le=1_000_000,
        unit="steps",
        advanced=True,
    )
    validate_every_epochs: int = setting(
        1,
        "Validation",
        "Epochs between validations.",
        ge=1,
        le=10_000,
        unit="epochs",
        live=True,
        advanced=True,
    )
    validation_images: int = setting(
        2048,
        "Validation images",
        "At most so many are scored each time.",
        ge=2,
        le=10_000_000,
        unit="images",
        advanced=True,
    )
    sample_images: int = setting(
        64,
        "Samples kept",
        "Images per set kept for the Samples page.",
        ge=4,
        le=4096,
        unit="images",
        advanced=True,
    )


class RunConfig(_Settings):
    """Everything about one run; same config and same seed give the same numbers on CPU."""

    preset: str = setting("recommended", "Preset", "Which preset the settings started from.", advanced=True)
    seed: int = setting(42, "Seed", "Of every random choice.", ge=0, le=2**31 - 1, advanced=True)
    device: str = setting("auto", "Device", "auto, cpu, cuda, cuda:1, mps.", advanced=True)
    amp: bool = setting(True, "Mixed precision", "On CUDA only; the head stays in float32.", advanced=True)
    threads: int = setting(0, "CPU threads", "0 leaves the choice to torch.", ge=0, le=1024, advanced=True)
    max_restarts: int = setting(
        2,
        "Restarts",
        "How often the run is taken up again by itself, from its last checkpoint, when its worker dies.",
        ge=0,
        le=1000,
        advanced=True,
    )
    data: DataConfig = DataConfig()
    backbone: BackboneConfig = BackboneConfig()
    head: HeadConfig = HeadConfig()
    stages: tuple[StageConfig, ...] = Field((StageConfig(),), min_length=1, max_length=8)
    monitor: MonitorConfig = MonitorConfig()
    checkpoints: CheckpointsConfig = CheckpointsConfig()
    autopilot: AutopilotConfig = AutopilotConfig()
    sweep: SweepConfig | None = Field(
        None, title="Sweep", description="Train many heads at once instead of one network."
    )
