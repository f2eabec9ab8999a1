"""Batches in an order that depends on seed and epoch alone, read ahead by processes or by a thread."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from edgeft_core.data.dataset import FaceDataset
from edgeft_core.data.images import IntArray, Pixels
from edgeft_core.data.listing import SplitName
from edgeft_core.errors import DataError

_AHEAD = 2  # batches each reader prepares before they are asked for
_WHILE_STARTING = 16  # batches read in this process while the others start, which takes seconds


@dataclass(frozen=True)
class Batch:
    """Images of one step, as they lie in the data set.

    Attributes:
        indices_B: places in the data set, int64.
        hr_B3HW: uint8.
        lr_B3hw: uint8, the same faces in low resolution; None if they were not asked for.
        labels_B: int64.
    """

    indices_B: Tensor
    hr_B3HW: Tensor
    lr_B3hw: Tensor | None
    labels_B: Tensor


def loader_workers(asked: int | None) -> int:
    """How many processes read images: as asked, else 0 on Windows and 2 elsewhere."""
    if asked is not None:
        return asked
    return 0 if sys.platform == "win32" else 2


class BatchLoader:
    """Reads one split, epoch after epoch.

    Worker processes are spawned (the only way that works on every system), stay for the loader's life and read
    pixels only: anything that needs the training device happens after the batch has arrived. If they die or
    cannot be started, reading goes on in this process and ``fallback`` says why.
    """

    def __init__(
        self,
        dataset: FaceDataset,
        split: SplitName,
        *,
        batch_size: int,
        seed: int,
        shuffle: bool,
        workers: int | None = None,
        drop_last: bool = False,
        low_res: bool = True,
    ) -> None:
        """``drop_last`` leaves an incomplete last batch out, unless it is the only one."""
        self.workers = loader_workers(workers)
        self.fallback = ""
        self._reader = _Reader(dataset, low_res)
        self._indices_N = dataset.splits[split]
        self._batch_size, self._seed = batch_size, seed
        self._shuffle, self._drop_last = shuffle, drop_last
        self._order = _Order()
        self._loader: DataLoader[Batch | DataError] | None = None

    def __len__(self) -> int:
        """Batches per epoch."""
        n, size = len(self._indices_N), self._batch_size
        return max(1, n // size) if self._drop_last and n else -(-n // size)

    def order(self, epoch: int) -> IntArray:
        """The images of an epoch, in order."""
        if not self._shuffle:
            return self._indices_N
        order: IntArray = self._indices_N[
            np.random.default_rng([self._seed, epoch]).permutation(len(self._indices_N))
        ]
        return order

    def epoch(self, n: int, start_batch: int = 0) -> Iterator[Batch]:
        """The batches of epoch ``n`` from ``start_batch`` on, so that a resumed run goes on inside an epoch.

        Raises:
            DataError: a file that could be read before no longer can.
        """
        order, size = self.order(n), self._batch_size
        rest = [order[size * b : size * (b + 1)] for b in range(start_batch, len(self))]
        if self.workers and rest:
            done = 0
            try:
                for batch in self._from_processes(rest):
                    yield batch
                    done += 1
                return
            except (RuntimeError, OSError) as error:
                if not _is_about_processes(error):
                    raise
                reason = str(error).splitlines()[0].strip()
                self.fallback = f"Loader processes failed ({reason}); images are now read without them."
                self.close()
                self.workers = 0
                rest = rest[done:]
        yield from self._from_thread(rest)

    def close(self) -> None:
        """End the worker processes."""
        self._loader = None

    def _from_processes(self, batches: Sequence[IntArray]) -> Iterator[Batch]:
        here = 0
        if self._loader is None:
            here = _WHILE_STARTING
            self._loader = DataLoader(
                self._reader,
                sampler=self._order,
                batch_size=None,
                num_workers=self.workers,
                multiprocessing_context=get_context("spawn"),
                persistent_workers=True,
                prefetch_factor=_AHEAD,
                collate_fn=_as_it_is,
            )
        self._order.batches = batches[here:]
        there = iter(self._loader)
        yield from self._from_thread(batches[:here])
        for batch in there:
            if isinstance(batch, DataError):
                raise batch
            yield batch

    def _from_thread(self, batches: Sequence[IntArray]) -> Iterator[Batch]:
        with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as pool:
            ahead: list[Future[Batch]] = [pool.submit(self._reader.read, one) for one in batches[:_AHEAD]]
            for place in range(len(batches)):
                batch = ahead.pop(0).result()
                if place + _AHEAD < len(batches):
                    ahead.append(pool.submit(self._reader.read, batches[place + _AHEAD]))
                yield batch


class _Order(Sampler[IntArray]):
    """Hands the loader whole batches; set anew for each epoch."""

    def __init__(self) -> None:
        self.batches: Sequence[IntArray] = ()

    def __iter__(self) -> Iterator[IntArray]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)


class _Reader(Dataset[Batch | DataError]):
    """Reads the batch of the given indices; lives in this process or in workers."""

    def __init__(self, dataset: FaceDataset, low_res: bool) -> None:
        self._dataset = dataset
        self._low_res = low_res

    def __getitem__(self, indices_B: IntArray) -> Batch | DataError:
        """A batch; an error is handed over as it is, where torch would wrap it in a worker's traceback."""
        try:
            return self.read(indices_B)
        except DataError as error:
            return error

    def read(self, indices_B: IntArray) -> Batch:
        if self._low_res:
            high, low = self._dataset.read_pair(indices_B)
            lr_B3hw = _channels_first(low)
        else:
            high, lr_B3hw = self._dataset.read_hr(indices_B), None
        return Batch(
            indices_B=torch.from_numpy(indices_B.copy()),
            hr_B3HW=_channels_first(high),
            lr_B3hw=lr_B3hw,
            labels_B=torch.from_numpy(self._dataset.labels_N[indices_B]),
        )


def _channels_first(pixels_NHWC: Pixels) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels_NHWC.transpose(0, 3, 1, 2)))


def _as_it_is(batch: Any) -> Any:
    return batch


def _is_about_processes(error: Exception) -> bool:
    """Whether workers died or could not start, as opposed to a batch that cannot be read."""
    text = str(error)
    return (
        "DataLoader worker" in text
        or "shared memory" in text
        or isinstance(error, BrokenPipeError | ConnectionError)
    )
