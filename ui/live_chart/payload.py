"""What travels to the browser: a whole figure once, then only what changed since.

A figure is split into small JSON texts (one per trace, one for the layout) and its numeric arrays. The first
message is a keyframe with everything. Later messages are patches *against that keyframe*, not against the
message before: messages may be dropped on the way, and a patch must still apply. When patches have cost as
much as a keyframe, a new keyframe is sent; for a series that grows point by point this costs about
sqrt(2 N) points a tick instead of N.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.utils import PlotlyJSONEncoder

Array = NDArray[Any]

# Lists shorter than this stay in the JSON text: tick labels, colour lists, small bars.
_MIN_ARRAY_LENGTH: Final = 16
_INT32: Final = np.iinfo(np.int32)
# Attributes whose presence means that a trace shows something.
_DATA_ATTRIBUTES: Final = ("x", "y", "z", "values", "r", "cells", "dimensions", "source")


@dataclass(frozen=True)
class Encoded:
    """A figure as texts and arrays. `refs` says which attribute of which trace holds which array."""

    traces: tuple[str, ...]
    layout: str
    refs: tuple[tuple[int, str, int], ...]  # (trace, dotted attribute, index into arrays)
    arrays: tuple[Array, ...]
    shapes: tuple[
        tuple[int, ...], ...
    ]  # the shape each array is drawn in; 2-D ones are stored column by column
    has_points: bool
    title: str

    @property
    def cost(self) -> int:
        """Bytes of a keyframe, as good as exact."""
        text = len(self.layout) + sum(map(len, self.traces)) + 16 * len(self.refs)
        return text + sum(4 * array.nbytes // 3 + 48 for array in self.arrays)


@dataclass(frozen=True)
class Sent:
    """What the server knows about the browser's copy of one chart."""

    base: Encoded
    token: str
    last_patch: dict[str, Any]
    patch_cost: int = 0


def encode(figure: go.Figure | Mapping[str, Any]) -> Encoded:
    """Split `figure` (a `go.Figure` or its dict) into JSON texts and deduplicated numeric arrays."""
    plain: Mapping[str, Any] = figure if isinstance(figure, Mapping) else figure.to_plotly_json()
    layout = dict(plain.get("layout") or {})
    collector = _Collector()
    traces = []
    points = False
    for number, trace in enumerate(plain.get("data") or ()):
        points = points or any(_length(trace.get(name)) for name in _DATA_ATTRIBUTES)
        for axis in _date_axes(trace):
            layout[axis] = {"type": "date", **(layout.get(axis) or {})}
        traces.append(_to_json(collector.split(number, trace)))
    return Encoded(
        traces=tuple(traces),
        layout=_to_json(layout),
        refs=tuple(collector.refs),
        arrays=tuple(collector.arrays),
        shapes=tuple(collector.shapes),
        has_points=points,
        title=_title(layout),
    )


def next_message(figure: Encoded, sent: Sent | None) -> tuple[dict[str, Any], Sent]:
    """The message that brings the browser to `figure`, and what is known about its copy afterwards."""
    if sent is not None and (patch := _patch(figure, sent.base)) is not None:
        fresh_cost = 0 if patch == sent.last_patch else _patch_cost(patch)
        total = sent.patch_cost + fresh_cost
        if total <= sent.base.cost:
            message = {"base": sent.token, **patch}
            return message, replace(sent, last_patch=patch, patch_cost=total)
    token = _token(figure)
    keyframe = {
        "token": token,
        "traces": list(figure.traces),
        "layout": figure.layout,
        "refs": [list(ref) for ref in figure.refs],
        "arrays": [_pack(array, shape) for array, shape in zip(figure.arrays, figure.shapes, strict=True)],
    }
    return keyframe, Sent(base=figure, token=token, last_patch={})


class _Collector:
    """Takes the numeric arrays out of traces; equal arrays (a shared x axis) are kept once."""

    def __init__(self) -> None:
        self.refs: list[tuple[int, str, int]] = []
        self.arrays: list[Array] = []
        self.shapes: list[tuple[int, ...]] = []
        self._seen: dict[tuple[bytes, str, tuple[int, ...]], int] = {}

    def split(self, number: int, trace: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self._rest(number, "", trace))

    def _rest(self, number: int, prefix: str, part: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for name, value in part.items():
            path = f"{prefix}{name}"
            if (array := _numeric(value)) is not None:
                self.refs.append((number, path, self._add(array, exact=path in {"x", "y0", "x0"})))
            elif isinstance(value, Mapping):
                yield name, dict(self._rest(number, f"{path}.", value))
            else:
                yield name, value

    def _add(self, array: Array, *, exact: bool) -> int:
        small = _narrow(array, exact=exact)
        flat = np.ascontiguousarray(small.ravel(order="F"))
        identity = (flat.tobytes(), flat.dtype.str, array.shape)
        if identity not in self._seen:
            self._seen[identity] = len(self.arrays)
            self.arrays.append(flat)
            self.shapes.append(array.shape)
        return self._seen[identity]


def _numeric(value: Any) -> Array | None:
    """`value` as a numeric array of one or two dimensions, or None if it is something else."""
    if isinstance(value, Mapping):
        return _from_base64(value) if "bdata" in value else None
    if isinstance(value, list | tuple):
        if len(value) < _MIN_ARRAY_LENGTH or not all(map(_is_number, value)):
            return None
        return np.asarray(value, dtype=np.float64 if None in value else None)
    if not hasattr(value, "__array__"):
        return None
    array = np.asarray(value)
    if array.dtype.kind == "M":
        return array.astype("datetime64[us]").astype(np.int64) / 1000  # milliseconds, as Plotly counts dates
    return array if array.dtype.kind in "iuf" and array.ndim in {1, 2} else None


def _from_base64(value: Mapping[str, Any]) -> Array:
    array = np.frombuffer(base64.b64decode(value["bdata"]), dtype=np.dtype(str(value["dtype"])))
    if "shape" in value:
        return array.reshape([int(size) for size in str(value["shape"]).split(",")])
    return array


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float | np.number) and not isinstance(value, bool))


def _narrow(array: Array, *, exact: bool) -> Array:
    """Four bytes a number: int32, or float32. `exact` keeps float64 where float32 would move a point."""
    if array.dtype.kind in "iu":
        fits = array.size == 0 or (array.min() >= _INT32.min and array.max() <= _INT32.max)
        return array.astype("<i4" if fits else "<f8")
    with np.errstate(over="ignore"):
        single = array.astype("<f4")
    if exact and not np.array_equal(single, array, equal_nan=True):
        return array.astype("<f8")
    overflowed = np.isinf(single) & np.isfinite(array)
    return array.astype("<f8") if overflowed.any() else single


def _patch(figure: Encoded, base: Encoded) -> dict[str, Any] | None:
    """What changed from `base` to `figure`; None where the structure differs."""
    if len(figure.traces) != len(base.traces) or figure.refs != base.refs:
        return None
    patch: dict[str, Any] = {}
    traces = {
        str(i): new for i, (new, old) in enumerate(zip(figure.traces, base.traces, strict=True)) if new != old
    }
    if traces:
        patch["traces"] = traces
    if figure.layout != base.layout:
        patch["layout"] = figure.layout
    arrays = []
    for index, (new, old) in enumerate(zip(figure.arrays, base.arrays, strict=True)):
        keep = _common_prefix(new, old)
        if keep == new.size == old.size and figure.shapes[index] == base.shapes[index]:
            continue
        arrays.append([index, keep, _pack(new[keep:], figure.shapes[index])])
    if arrays:
        patch["arrays"] = arrays
    return patch


def _common_prefix(new: Array, old: Array) -> int:
    """How many leading numbers are the same, bit by bit (so NaN equals NaN)."""
    if new.dtype != old.dtype:
        return 0
    bits = np.dtype(f"u{new.dtype.itemsize}")
    length = min(new.size, old.size)
    different = np.flatnonzero(new[:length].view(bits) != old[:length].view(bits))
    return int(different[0]) if different.size else length


def _pack(array: Array, shape: tuple[int, ...]) -> dict[str, Any]:
    packed: dict[str, Any] = {
        "dtype": array.dtype.str[1:],
        "bdata": base64.b64encode(array.tobytes()).decode("ascii"),
    }
    if len(shape) > 1:
        packed["shape"] = list(shape)
    return packed


def _patch_cost(patch: dict[str, Any]) -> int:
    return len(json.dumps(patch))


def _token(figure: Encoded) -> str:
    digest = hashlib.blake2b(digest_size=9)
    for text in (*figure.traces, figure.layout, repr(figure.refs), repr(figure.shapes)):
        digest.update(text.encode())
        digest.update(b"\0")
    for array in figure.arrays:
        digest.update(array.dtype.str.encode())
        digest.update(array.tobytes())
    return base64.b64encode(digest.digest()).decode("ascii")


def _to_json(value: Any) -> str:
    return json.dumps(value, cls=PlotlyJSONEncoder, separators=(",", ":"))


def _title(layout: Mapping[str, Any]) -> str:
    title = layout.get("title") or ""
    return str(title if isinstance(title, str) else title.get("text") or "")


def _length(value: Any) -> int:
    if isinstance(value, Mapping):
        return len(value.get("bdata", value))
    return len(value) if hasattr(value, "__len__") else 0


def _date_axes(trace: Mapping[str, Any]) -> Iterator[str]:
    """Names of the layout axes on which this trace puts dates."""
    for letter in ("x", "y"):
        if getattr(getattr(trace.get(letter), "dtype", None), "kind", "") == "M":
            yield f"{letter}axis{str(trace.get(f'{letter}axis', letter))[1:]}"
