"""The engine: trains and yields events; knows neither store nor screen. Needs torch."""

from edgeft_core.engine.controls import Controls, NoControls
from edgeft_core.engine.train import train

__all__ = ["Controls", "NoControls", "train"]
