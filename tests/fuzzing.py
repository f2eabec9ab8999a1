"""What users, files and databases may throw at EdgeFT, made up by hypothesis; each target raises only for users' eyes.

``tests/test_fuzz.py`` runs a few dozen cases of each, ``benchmarks/fuzz.py`` as many thousands as it is asked for.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sqlite3
import string
import struct
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from hypothesis import strategies as st
from PIL import Image

from edgeft_core import queries
from edgeft_core.cli import main
from edgeft_core.cli.toml_file import read_settings
from edgeft_core.config import DataConfig, RunConfig
from edgeft_core.config_keys import flatten, with_values
from edgeft_core.data import open_dataset
from edgeft_core.errors import EdgeFTError
from edgeft_core.events import ControlRequest
from edgeft_core.jobs import control
from edgeft_core.models.weights.reading import read_weight_file
from edgeft_core.settings import Home
from edgeft_core.store import open_catalog

Target = tuple[st.SearchStrategy[Any], Callable[[Any, Path], None]]

KEYS = sorted(flatten(RunConfig()))
TEXT = st.text(max_size=40)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    TEXT,
    st.sampled_from(["1e999", "-0", "nan", "0x10", "\0", ""]),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
)
CHANGES = st.dictionaries(st.one_of(st.sampled_from(KEYS), TEXT), VALUES, min_size=1, max_size=4)


def config(changes: dict[str, Any], folder: Path) -> None:
    with contextlib.suppress(EdgeFTError):
        with_values(RunConfig(), changes)


def toml(text: bytes, folder: Path) -> None:
    path = folder / "run.toml"
    path.write_bytes(text)
    with contextlib.suppress(EdgeFTError):
        read_settings(path)


TOML_WORDS = [
    "[data]",
    "[head]",
    "[[stages]]",
    "scale",
    "=",
    "1",
    "'x'",
    "[",
    "]",
    "\n",
    "data.source",
    '"',
    "#",
    "1979-05-27",
]
TOML = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from(TOML_WORDS), max_size=20).map(lambda words: " ".join(words).encode()),
)


def command_line(arguments: list[str], folder: Path) -> None:
    home = Home(folder / "home").ensure()
    with closing(open_catalog(home.catalog_url)) as catalog:
        catalog.add_run("r1", "first try", RunConfig())
    if arguments[0] in WAITING:
        arguments = [*arguments, "--timeout=0"]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["--home", str(home.root), *arguments])
    assert code in {0, 1, 2}, (arguments, code)
    said = out.getvalue() + err.getvalue()
    assert "Traceback" not in said, (arguments, said[-500:])
    assert "Unexpected" not in said, (arguments, said[-500:])


# Verbs that answer at once: nothing here may start a training that nobody ends.
VERBS = [
    "runs",
    "show",
    "metrics",
    "diagnose",
    "set",
    "undo",
    "rewind",
    "replay",
    "pause",
    "resume",
    "stop",
    "checkpoint",
    "fork",
    "delete",
    "presets",
    "sweep-results",
]
WAITING = {"set", "undo", "rewind", "pause", "resume", "stop", "checkpoint"}
"""Verbs that wait for the outcome, which comes from a worker: there is none here."""
WORD = st.one_of(
    st.sampled_from(
        [
            "--json",
            "--help",
            "--wait",
            "--keys",
            "--limit",
            "-5",
            "head.scale=8",
            "head.scale=",
            "=",
            "--yes",
            "--to",
            "0",
            "--over",
            "--name",
            "--set",
            "r1",
            "first try",
        ]
    ),
    st.text(string.printable, max_size=12),
    TEXT.filter(lambda text: "\0" not in text),
)
COMMAND_LINE = st.tuples(
    st.sampled_from(VERBS), st.sampled_from([["r1"], []]), st.lists(WORD, max_size=4)
).map(lambda said: [said[0], *said[1], *said[2]])


def commands(changes: dict[str, Any], folder: Path) -> None:
    """Requests to a run that waits; whatever was asked, the run is still there and can be read."""
    home = Home(folder / "home").ensure()
    with closing(open_catalog(home.catalog_url)) as catalog:
        catalog.add_run("r1", "r1", RunConfig())
        with contextlib.suppress(EdgeFTError):
            control.set_values(home, "r1", changes)
        assert catalog.run("r1").id == "r1"
        catalog.commands("r1")


def picture(suffix: str) -> bytes:
    buffer = io.BytesIO()
    kind = {"jpg": "JPEG", "jpeg": "JPEG", "pgm": "PPM"}.get(suffix, suffix.upper())
    pixels = np.random.default_rng(1).integers(0, 255, (12, 12, 3), np.uint8)
    Image.fromarray(pixels).convert("L" if suffix == "pgm" else "RGB").save(buffer, kind)
    return buffer.getvalue()


PICTURES = {suffix: picture(suffix) for suffix in ("png", "jpg", "webp", "bmp", "pgm")}
NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20
).filter(lambda name: name not in {".", ".."})
FILES = st.tuples(
    NAMES, st.sampled_from(sorted(PICTURES)), st.integers(0, 400), st.binary(max_size=6), st.integers(0, 300)
)
FOLDERS = st.dictionaries(NAMES, st.lists(FILES, max_size=5), max_size=5)


def dataset(case: tuple[bool, dict[str, list[tuple[str, str, int, bytes, int]]]], folder: Path) -> None:
    """Folders of people whose pictures are cut short and overwritten in places, alone or beside sound ones."""
    beside_sound, people = case
    source = folder / "faces"
    source.mkdir()
    for person in ("anna", "bert", "carl") if beside_sound else ():
        (source / person).mkdir()
        for number in range(5):
            (source / person / f"{number}.png").write_bytes(PICTURES["png"])
    for person, files in people.items():
        (source / person).mkdir(exist_ok=True)
        for name, suffix, cut, patch, at in files:
            blob = bytearray(PICTURES[suffix])
            blob[at : at + len(patch)] = patch
            with contextlib.suppress(OSError):  # too long a name
                (source / person / f"{name}.{suffix}").write_bytes(
                    bytes(blob[: len(blob) - cut] if cut < 300 else blob)
                )
    with contextlib.suppress(EdgeFTError):
        opened = open_dataset(DataConfig(source=str(source)), seed=1, cache=folder / "cache")
        opened.read_hr(list(range(min(4, len(opened.labels_N)))))


def weight_blobs() -> list[bytes]:
    buffer = io.BytesIO()
    torch.save({"state_dict": {"a.weight": torch.ones(3, 2)}}, buffer)
    legacy = io.BytesIO()
    torch.save({"a": torch.ones(2)}, legacy, _use_new_zipfile_serialization=False)
    return [safetensors.torch.save({"a.weight": torch.ones(3, 2)}), buffer.getvalue(), legacy.getvalue(), b""]


BLOBS = weight_blobs()
PATCHES = st.lists(st.tuples(st.integers(0, 2000), st.binary(min_size=1, max_size=8)), max_size=4)
WEIGHTS = st.one_of(
    st.tuples(st.sampled_from(BLOBS), PATCHES, st.integers(0, 60)),
    st.tuples(st.binary(max_size=300), PATCHES, st.just(0)),
    st.tuples(
        st.binary(max_size=80).map(lambda header: struct.pack("<Q", len(header)) + header),
        PATCHES,
        st.just(0),
    ),
)


def weights(case: tuple[bytes, list[tuple[int, bytes]], int], folder: Path) -> None:
    blob, patches, cut = case
    changed = bytearray(blob)
    for at, patch in patches:
        changed[at % (len(changed) or 1) :][: len(patch)] = b""
        start = at % (len(changed) or 1)
        changed[start : start + len(patch)] = patch
    path = folder / "weights.pt"
    path.write_bytes(bytes(changed[: len(changed) - cut]))
    with contextlib.suppress(EdgeFTError):
        read_weight_file(path)


COLUMNS = {
    "runs": ("state", "config", "created_at", "started_at", "heartbeat_at", "worker_pid", "worker_started_at",
             "worker_host", "worker_boot", "restarts", "parent_id", "error", "summary", "name"),
    "commands": ("kind", "changes", "requested_at", "requested_by", "outcome", "step", "reason", "previous"),
    "history": ("at", "step", "kind", "text", "data"),
    "checkpoints": ("step", "kind", "path", "sha256", "size_bytes", "saved_at", "scalars"),
}  # fmt: skip
CELLS = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(), TEXT, st.binary(max_size=20),
    VALUES.map(lambda value: json.dumps(value, default=str)),
)  # fmt: skip
ROWS = st.sampled_from([(table, column) for table, columns in COLUMNS.items() for column in columns]).flatmap(
    lambda place: st.tuples(st.just(place), CELLS)
)


def catalog_row(case: tuple[tuple[str, str], Any], folder: Path) -> None:
    """One cell of one row is anything; the other run is still listed, and nothing raises but for users' eyes."""
    (table, column), value = case
    home = Home(folder / "home").ensure()
    with closing(open_catalog(home.catalog_url)) as catalog:
        for run_id in ("strange", "sound"):
            catalog.add_run(run_id, run_id, RunConfig())
            catalog.add_command(run_id, ControlRequest(0, "set", {"head.scale": 2.0}), requested_by="fuzz")
            catalog.add_history(run_id, "notice", "a sentence", step=1, data={})
    with closing(sqlite3.connect(folder / "home" / "catalog.sqlite")) as connection:
        where = "id" if table == "runs" else "run_id"
        with contextlib.suppress(sqlite3.IntegrityError):
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where} = 'strange'", (value,))
        connection.commit()
    with closing(open_catalog(home.catalog_url)) as catalog:
        assert "sound" in {run.id for run in catalog.runs()}
        assert catalog.run("sound").name == "sound"
        assert "sound" in set(queries.runs_table(catalog)["id"])
        for look in (catalog.run, catalog.commands, catalog.history, catalog.checkpoints):
            look("sound")
            with contextlib.suppress(EdgeFTError):
                look("strange")
        with contextlib.suppress(EdgeFTError):
            queries.run_status(home, "strange")
    queries.forget(home)


TARGETS: dict[str, Target] = {
    "config": (CHANGES, config),
    "toml": (TOML, toml),
    "command line": (COMMAND_LINE, command_line),
    "commands": (CHANGES, commands),
    "dataset folders": (st.tuples(st.booleans(), FOLDERS), dataset),
    "weight files": (WEIGHTS, weights),
    "catalog rows": (ROWS, catalog_row),
}


def check(name: str, case: Any) -> None:
    """Run one case of a target in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="edgeft-fuzz-", dir=os.environ.get("EDGEFT_FUZZ_DIR")) as folder:
        TARGETS[name][1](case, Path(folder))
