"""Reading the settings of runs that an older or newer version wrote: a list never breaks on one of them."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from edgeft_core.config import RunConfig


@lru_cache(maxsize=1024)
def read_config(text: str) -> tuple[RunConfig, tuple[str, ...]]:
    """The stored settings, and a sentence for each that this version cannot take (its default stands in).

    Remembered by text, since pages list the same runs again and again and nobody can change what comes back.
    """
    try:
        return RunConfig.model_validate_json(text), ()
    except ValidationError as error:
        tree = json.loads(text)
        problems = tuple(_drop(tree, item["loc"], item["msg"]) for item in error.errors())
    try:
        return RunConfig.model_validate(tree), problems
    except ValidationError as error:
        return RunConfig(), (*problems, f"the settings as a whole: {error.errors()[0]['msg']}")


def _drop(tree: Any, location: tuple[int | str, ...], message: str) -> str:
    """Remove what stands at ``location``, so that its default applies."""
    node = tree
    for part in location[:-1]:
        node = node[part]
    if isinstance(node, dict) and location:
        node.pop(location[-1], None)
    return f"{'.'.join(str(part) for part in location)}: {message[:1].lower() + message[1:]}"
