"""Embeddings of the training images under a frozen backbone, computed once per view, as the first epoch needs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from edgeft_core.data import FaceDataset
from edgeft_core.engine.embedder import Embedder, same_image_cosine
from edgeft_core.engine.embedding_store import EmbeddingStore
from edgeft_core.engine.pixels import PixelArray, PixelPipeline, as_tensor
from edgeft_core.engine.position import epoch_order
from edgeft_core.events import Event, IntArray, Notice, Progress

TWIN_SHARE = 8
"""One image in so many is also embedded in the other resolution: its cosine needs no more than a sample, and
embedding every twin would double the time to the first epoch."""

ON_DEVICE_BYTES = 2**30
"""Larger views stay in the host's memory."""


@dataclass
class View:
    """All N training images in one version.

    Attributes:
        layout_N: the order in which rows are embedded, chunk by chunk.
        emb_ND: embeddings, row n belongs to the n-th training image.
        same_image_N: cosine with the other resolution, NaN where it was not measured.
        ready: per chunk, whether its rows are filled; ``complete`` once all are.
    """

    layout_N: IntArray
    chunk_of_N: IntArray
    emb_ND: Tensor
    same_image_N: Tensor
    ready: npt.NDArray[np.bool_]
    complete: bool = False


class CachedViews:
    """View 0 is the plain image, view v > 0 its v-th augmented version.

    A chunk always holds the same images: the layout of a view is the order of the first epoch that uses it. So the
    numbers do not depend on where a run was interrupted, and the first epoch fills chunks just ahead of its steps.
    """

    def __init__(
        self,
        embedder: Embedder,
        pixels: PixelPipeline,
        dataset: FaceDataset,
        rows_N: IntArray,
        *,
        seed: int,
        first_epoch: int,
        store: EmbeddingStore,
        key_of: Callable[[int], str],
    ) -> None:
        """``key_of(view)`` names a view on disk; ``rows_N`` are the training images' places in the data set."""
        self._embedder = embedder
        self._pixels = pixels
        self._dataset = dataset
        self._rows_N = rows_N
        self._seed = seed
        self._first_epoch = first_epoch
        self._store = store
        self._key_of = key_of
        self._views: dict[int, View] = {}
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._ahead: dict[tuple[int, int], Future[tuple[PixelArray, PixelArray]]] = {}

    def view(self, number: int) -> View:
        """The view as far as it is filled; read from disk where a run before this one computed it."""
        if number not in self._views:
            self._views[number] = self._open(number)
        return self._views[number]

    def fill(self, number: int, positions: IntArray | None = None) -> Iterator[Event]:
        """Embed the chunks that ``positions`` (all where None) still need; tells how far the view is."""
        view = self.view(number)
        if view.complete:
            return
        needed = view.chunk_of_N if positions is None else view.chunk_of_N[positions]
        for chunk in np.unique(needed):
            if not view.ready[chunk]:
                yield self._progress(
                    view
                )  # before the wait: what the steps so far have to tell is not kept back
                self._embed(number, view, int(chunk))
                if view.ready.all():
                    yield self._progress(view)
                    view.complete = True
                    yield from self._keep(number, view)

    def close(self) -> None:
        self._reader.shutdown(wait=False, cancel_futures=True)

    def _progress(self, view: View) -> Progress:
        n = len(self._rows_N)
        return Progress("Embedding training images", min(int(view.ready.sum()) * self._embedder.chunk, n), n)

    def _open(self, number: int) -> View:
        n, size = len(self._rows_N), self._embedder.chunk
        layout_N = epoch_order(n, self._seed, self._first_epoch + number)
        chunk_of_N = np.empty(n, np.int64)
        chunk_of_N[layout_N] = np.arange(n) // size
        kept = self._store.load(self._key_of(number))
        if kept is not None and len(kept["emb_ND"]) == n:
            emb, same = self._placed(kept["emb_ND"]), self._placed(kept["same_image_N"])
            return View(layout_N, chunk_of_N, emb, same, np.ones(-(-n // size), np.bool_), complete=True)
        return View(layout_N, chunk_of_N, torch.empty(0), torch.empty(0), np.zeros(-(-n // size), np.bool_))

    def _placed(self, tensor: Tensor) -> Tensor:
        small = tensor.numel() * tensor.element_size() <= ON_DEVICE_BYTES
        return tensor.to(self._embedder.device) if small else tensor

    def _embed(self, number: int, view: View, chunk: int) -> None:
        positions = self._positions(view, chunk)
        hr, lr = self._pixels_of(number, view, chunk)
        faces = self._pixels(
            as_tensor(hr),
            as_tensor(lr),
            torch.from_numpy(self._rows_N[positions]),
            view=number or None,
            twins=-(-len(positions) // TWIN_SHARE),
        )
        emb_nD, twin_tD = self._embedder.pair(faces)
        same_n = same_image_cosine(emb_nD, twin_tD)
        if not view.emb_ND.numel():
            n = len(self._rows_N)
            view.emb_ND = self._placed(torch.empty(n, emb_nD.shape[1]))
            view.same_image_N = self._placed(torch.full((n,), torch.nan))
        places = torch.from_numpy(positions).to(view.emb_ND.device)
        view.emb_ND[places] = emb_nD.to(view.emb_ND.device)
        view.same_image_N[places] = same_n.to(view.emb_ND.device)
        view.ready[chunk] = True

    def _positions(self, view: View, chunk: int) -> IntArray:
        """Rows of a chunk; those that also get a twin come first, and are spread evenly over its batches."""
        size = self._embedder.chunk
        rows = view.layout_N[chunk * size : (chunk + 1) * size]
        return rows[np.argsort(np.arange(len(rows)) % TWIN_SHARE != 0, kind="stable")]

    def _pixels_of(self, number: int, view: View, chunk: int) -> tuple[PixelArray, PixelArray]:
        """This chunk's pixels, and a start on reading the next one's while the device is busy with these."""
        waiting = self._ahead.pop((number, chunk), None) or self._read(view, chunk)
        following = chunk + 1
        if following < len(view.ready) and not view.ready[following]:
            self._ahead = {(number, following): self._read(view, following)}
        return waiting.result()

    def _read(self, view: View, chunk: int) -> Future[tuple[PixelArray, PixelArray]]:
        rows = self._rows_N[self._positions(view, chunk)]
        return self._reader.submit(self._dataset.read_pair, rows)

    def _keep(self, number: int, view: View) -> Iterator[Event]:
        trouble = self._store.save(
            self._key_of(number), {"emb_ND": view.emb_ND, "same_image_N": view.same_image_N}
        )
        if trouble:
            yield Notice("warning", 0, trouble)
