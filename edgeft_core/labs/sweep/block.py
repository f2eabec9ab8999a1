"""The heads of a sweep that are in memory together, and how they share the processor."""

from __future__ import annotations

import itertools
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import torch
from torch import Tensor

from edgeft_core.config import RunConfig
from edgeft_core.labs.sweep.rule import Rule
from edgeft_core.labs.sweep.tile import Scratch, Step, Tile
from edgeft_core.labs.sweep.window import Window

T = TypeVar("T")

TILE_BYTES = 2 * 2**20
"""Class weights of one tile on a CPU: with gradient and moments they then stay in the cache from step to step."""


class Block:
    """K heads and their state; each head is a row of ``weight_KCD``, grouped by centring.

    On a CPU the heads are cut into tiles that fit into its cache; every thread takes a tile through several steps
    before it turns to the next. On a GPU one tile holds all heads of one centring.

    Args:
        configs: one run per head, as it would be trained alone.
        initial_CD: class weights that all heads begin with.
    """

    def __init__(self, configs: Sequence[RunConfig], initial_CD: Tensor, *, window_images: int) -> None:
        self._order = sorted(range(len(configs)), key=lambda head: configs[head].head.centre)
        self.device = initial_CD.device
        self._weight_KCD = initial_CD.detach().expand(len(configs), -1, -1).clone()
        self._mean_KCD = torch.zeros_like(self._weight_KCD)
        self._square_KCD = torch.zeros_like(self._weight_KCD)
        self._tiles = self._cut([configs[head] for head in self._order])
        self.window = Window(window_images, len(configs), initial_CD.shape[0], self.device)
        self._threads = max(1, min(torch.get_num_threads(), len(self._tiles)))
        self._pool: ThreadPoolExecutor | None = None
        if self.device.type == "cpu" and self._threads > 1:
            self._pool = ThreadPoolExecutor(
                self._threads, thread_name_prefix="heads", initializer=torch.set_num_threads, initargs=(1,)
            )
        largest = max(tile.weight_kCD.numel() for tile in self._tiles)
        self._scratch: queue.SimpleQueue[Scratch] = queue.SimpleQueue()
        for _ in range(self._threads):
            self._scratch.put(Scratch.of(largest, self.device))

    @property
    def weight_KCD(self) -> Tensor:
        """The class weights in the order of the heads that the block was made of (a copy)."""
        return self._weight_KCD[self._back()]

    @torch.inference_mode()
    def take(self, steps: Sequence[Step]) -> None:
        """All heads take these steps."""
        self.window.reserve(steps)
        self._each_tile(lambda tile: self._through(tile, steps))

    @torch.inference_mode()
    def measure(self, score: Callable[[Tile], Tensor]) -> Tensor:
        """``score`` of every tile, shape (k, values), as one table of all heads, on the host."""
        scored = torch.cat(self._each_tile(score))
        return scored[self._back()].cpu()

    def window_scores(self) -> Tensor:
        """:meth:`Window.scores` in the order of the heads, on the host."""
        return self.window.scores()[self._back()].cpu()

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        return {
            "weight": self._weight_KCD,
            "mean": self._mean_KCD,
            "square": self._square_KCD,
            "window": self.window.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        self._weight_KCD.copy_(state["weight"])
        self._mean_KCD.copy_(state["mean"])
        self._square_KCD.copy_(state["square"])
        self.window.load(state["window"])

    def _through(self, tile: Tile, steps: Sequence[Step]) -> None:
        scratch = self._scratch.get()
        try:
            for number, step in enumerate(steps):
                self.window.write(number, tile.heads, tile.take(step, scratch))
        finally:
            self._scratch.put(scratch)

    def _each_tile(self, work: Callable[[Tile], T]) -> list[T]:
        if self._pool is None:
            return [_inferred(work, tile) for tile in self._tiles]
        return list(self._pool.map(lambda tile: _inferred(work, tile), self._tiles))

    def _back(self) -> Tensor:
        """Where each head of the caller is among the rows."""
        return torch.tensor(self._order, device=self.device).argsort()

    def _cut(self, configs: Sequence[RunConfig]) -> list[Tile]:
        return [self._tile(configs[heads], heads) for heads in self._slices(configs)]

    def _slices(self, configs: Sequence[RunConfig]) -> Iterator[slice]:
        """Runs of heads of one centring, no longer than a tile may be."""
        longest = len(configs)
        if self.device.type == "cpu":
            fits = TILE_BYTES // (self._weight_KCD[0].numel() * 4)
            longest = max(1, min(fits, -(-len(configs) // torch.get_num_threads())))
        start = 0
        for _, group in itertools.groupby(configs, key=lambda config: config.head.centre):
            end = start + len(list(group))
            yield from (slice(at, min(at + longest, end)) for at in range(start, end, longest))
            start = end

    def _tile(self, configs: Sequence[RunConfig], heads: slice) -> Tile:
        stage = configs[0].stages[0]
        rates = [config.stages[0].head_lr for config in configs]
        return Tile(
            heads=heads,
            centre=configs[0].head.centre,
            weight_kCD=self._weight_KCD[heads],
            mean_kCD=self._mean_KCD[heads],
            square_kCD=self._square_KCD[heads],
            rule=Rule.of([config.head for config in configs], self.device),
            rate_k11=torch.tensor(rates, dtype=torch.float32, device=self.device)[:, None, None],
            clip_norm=stage.clip_norm,
            weight_decay=stage.weight_decay,
        )


def _inferred(work: Callable[[Tile], T], tile: Tile) -> T:
    with torch.inference_mode():  # a thread of its own has a mode of its own
        return work(tile)
