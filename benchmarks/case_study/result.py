"""A kept measurement, read for tables and figures: means over seeds, and how far seeds differ."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.case_study.grid import CENTRING, KINDS, SETTINGS


@dataclass(frozen=True)
class Over:
    """One number over the seeds for which it was measured."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return sum(self.values) / len(self.values)

    @property
    def least(self) -> float:
        return min(self.values)

    @property
    def most(self) -> float:
        return max(self.values)


@dataclass(frozen=True)
class Cells:
    """One cell of a table for all its seeds."""

    of_seed: Mapping[int, Mapping[str, Any]]

    def over(self, name: str) -> Over:
        """A number of every seed's cell."""
        return Over(tuple(float(one[name]) for one in self.of_seed.values()))

    def most_common(self, name: str) -> Any:
        """The value that most seeds have; of equally many the first seed's."""
        return Counter(one[name] for one in self.of_seed.values()).most_common(1)[0][0]

    def all_equal(self, name: str) -> bool:
        return len({json.dumps(one[name]) for one in self.of_seed.values()}) == 1


class Result:
    """What ``measuring.measure`` wrote."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content

    @staticmethod
    def read(path: Path) -> Result:
        return Result(json.loads(path.read_text(encoding="utf-8")))

    @property
    def kinds(self) -> list[str]:
        """Kinds of embeddings whose grid is complete for at least one seed, in the order of the story."""
        return [kind for kind in KINDS if kind in {key.split("/")[0] for key in self.content["first_look"]}]

    @property
    def seeds(self) -> list[int]:
        """Seeds of which at least one kind's grid is complete."""
        return sorted({int(key.split("/")[1]) for key in self.content["first_look"]})

    def cells(self, part: str, *names: str) -> Cells:
        """All seeds of one cell: ``cells("grid", "healthy", "fix", "centred")``."""
        start = "/".join(names) + "/"
        found = {
            int(key.removeprefix(start)): value
            for key, value in self.content.get(part, {}).items()
            if key.startswith(start) and key.removeprefix(start).isdigit()
        }
        return Cells(found)

    def first_predictions(self, kind: str, seed: int) -> set[tuple[int, ...]]:
        """Classes of the first ten faces before training, over all settings with that seed: one, or they differ."""
        settings = ((setting, centre) for setting in SETTINGS for centre in CENTRING)
        found = (self.cells("grid", kind, setting, centred(centre)) for setting, centre in settings)
        return {tuple(cells.of_seed[seed]["first_predicted"]) for cells in found if seed in cells.of_seed}


def centred(centre: bool) -> str:
    return "centred" if centre else "plain"
