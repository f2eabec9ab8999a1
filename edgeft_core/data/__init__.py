"""Faces: folders of files, pairs of resolutions, drawn people. Loads without torch.

The torch side (:mod:`edgeft_core.data.batches`, :mod:`edgeft_core.data.transforms`) is imported by name.
"""

from edgeft_core.data.dataset import FaceDataset
from edgeft_core.data.opening import LAYOUTS, open_dataset

__all__ = ["LAYOUTS", "FaceDataset", "open_dataset"]
