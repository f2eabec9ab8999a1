"""What comes from the browser as a zip or a weight file: bounded, and never trusted."""

from __future__ import annotations

import contextlib
import io
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edgeft_core.data.uploads import Limits, keep_dataset, keep_weights, safe_name
from edgeft_core.errors import DataError, EdgeFTError, WeightsError


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    buffer.seek(0)
    return buffer


def everything_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_pictures_are_unpacked_and_everything_else_is_left_out(tmp_path: Path) -> None:
    face = picture()
    file = zipped(
        ("faces/ann/1.png", face),
        ("faces/bob/1.PNG", face),
        ("faces/readme.txt", b"hello"),
        ("__MACOSX/faces/ann/._1.png", b"junk"),
        ("faces/run.sh", b"rm -rf /"),
    )
    kept = keep_dataset(tmp_path / "uploads", "my faces (1).zip", file)
    assert (kept.files, kept.left_out) == (2, 3)
    assert kept.folder.name == "faces"
    assert everything_below(kept.folder) == ["ann/1.png", "bob/1.PNG"]
    file.seek(5)
    assert keep_dataset(tmp_path / "uploads", "my faces (1).zip", file) == kept, (
        "the same zip is unpacked once"
    )
    assert len(list((tmp_path / "uploads").iterdir())) == 1


@pytest.mark.parametrize(
    "name",
    [
        "../out.png",
        "a/../../out.png",
        "/etc/out.png",
        "a\\..\\..\\out.png",
        "C:/out.png",
        "a//b.png",
        "./a.png",
        "a/./b.png",
    ],
)
def test_a_name_that_leads_out_of_the_folder_is_refused_and_nothing_is_unpacked(
    tmp_path: Path, name: str
) -> None:
    file = zipped(("ann/1.png", picture()), (name, picture()))
    with pytest.raises(DataError, match="leads out of its folder; nothing was unpacked"):
        keep_dataset(tmp_path / "uploads", "faces.zip", file)
    assert everything_below(tmp_path) == []


def test_links_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("ann/1.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(DataError, match="is a link or a device"):
        keep_dataset(tmp_path / "uploads", "faces.zip", zipped((link, b"/etc/passwd")))
    assert everything_below(tmp_path) == []


def test_a_bomb_is_refused_by_what_it_says(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="would unpack to 100 MB"):
        keep_dataset(tmp_path / "uploads", "bomb.zip", zipped(("ann/1.png", bytes(100 * 1024**2))))
    assert everything_below(tmp_path) == []


def test_a_zip_that_lies_about_its_sizes_leaves_nothing(tmp_path: Path) -> None:
    said = len(picture())
    blob = bytearray(zipped(("ann/1.png", picture() + bytes(10_000))).getvalue())
    true_size, false_size = (said + 10_000).to_bytes(4, "little"), said.to_bytes(4, "little")
    assert true_size in blob
    with pytest.raises(DataError, match="cannot be unpacked"):
        keep_dataset(tmp_path / "uploads", "liar.zip", io.BytesIO(bytes(blob).replace(true_size, false_size)))
    assert everything_below(tmp_path) == []


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(packed_bytes=10), "is larger than"),
        (Limits(files=1), "holds 2 files; at most 1"),
        (Limits(unpacked_bytes=10), "would unpack to"),
        (Limits(depth=0), "too deep in folders"),
        (Limits(name_length=2), "too long or too deep"),
    ],
)
def test_every_bound_is_kept(tmp_path: Path, limits: Limits, said: str) -> None:
    with pytest.raises(DataError, match=said):
        keep_dataset(tmp_path, "x.zip", zipped(("ann/1.png", picture()), ("bob/1.png", picture())), limits)
    assert everything_below(tmp_path) == []


def test_what_is_no_zip_or_holds_no_picture_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"notes\.zip cannot be unpacked"):
        keep_dataset(tmp_path, "notes.zip", io.BytesIO(b"just text"))
    with pytest.raises(DataError, match="holds no picture"):
        keep_dataset(tmp_path, "notes.zip", zipped(("a/b.txt", b"text")))


def test_two_names_for_one_file_are_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        file = zipped(("ann/1.png", picture()), ("ann/1.png", picture()))
    with pytest.raises(DataError, match="cannot be kept"):
        keep_dataset(tmp_path, "x.zip", file)
    assert everything_below(tmp_path) == []


def test_a_weight_file_is_kept_under_a_harmless_name(tmp_path: Path) -> None:
    path = keep_weights(tmp_path, "..\\..\\<img src=x>.pt", io.BytesIO(b"tensors"))
    assert path.parent == tmp_path
    assert path.read_bytes() == b"tensors"
    assert set("<>\\/ ").isdisjoint(path.name)
    with pytest.raises(WeightsError, match="is empty or larger"):
        keep_weights(tmp_path, "w.pt", io.BytesIO(b""))
    with pytest.raises(WeightsError, match="is empty or larger"):
        keep_weights(tmp_path, "w.pt", io.BytesIO(b"tensors"), Limits(packed_bytes=3))


@given(st.text(max_size=200))
def test_a_safe_name_is_one_part_of_a_path(name: str) -> None:
    safe = safe_name(name)
    assert 0 < len(safe) <= 80
    assert safe.isascii()
    assert safe not in {".", ".."}
    assert set("/\\:<>\"'\0 ").isdisjoint(safe)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_zip_that_was_tampered_with_never_writes_outside_and_never_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("zip")
    blob = bytearray(zipped(("ann/1.png", picture()), ("bob/2.png", picture())).getvalue())
    for _ in range(data.draw(st.integers(1, 6))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(EdgeFTError):
        keep_dataset(folder / "uploads", "x.zip", io.BytesIO(bytes(blob)))
    assert all(name.startswith("uploads/x-") for name in everything_below(folder))
