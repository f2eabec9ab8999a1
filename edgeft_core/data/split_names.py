"""Who is named in which part of a data set's own split, before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass

from edgeft_core.data.listing import find_root
from edgeft_core.data.opening import LAYOUTS
from edgeft_core.data.paired import is_paired


@dataclass(frozen=True)
class SplitNames:
    """Identity names of a folder.

    Attributes:
        trained: in the training part; everybody where the data set brings no split.
        scored: in the other parts; empty where the data set brings no split.
    """

    trained: frozenset[str]
    scored: frozenset[str]


def split_names(source: str, low_res_px: int) -> SplitNames:
    """List a folder in its layout.

    Raises:
        DataError: no such folder, or no image in it.
    """
    root = find_root(source)
    files = LAYOUTS["paired" if is_paired(root) else "folder"](root, low_res_px).files
    trained = frozenset(file.identity for file in files if file.split == "train")
    scored = frozenset(file.identity for file in files if file.split not in {"train", None})
    return SplitNames(trained or frozenset(file.identity for file in files), scored)
