"""Each thing that goes wrong with folders of faces is named, with numbers, and a good folder is left in peace."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeft_core.config import RunConfig
from edgeft_core.preflight.checking import preflight_parts
from edgeft_core.preflight.report import PreflightReport
from tests.preflight.folders import PX, config_for, copy_of, found, write_faces

IDENTITIES, IMAGES = 12, 6


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faces")
    return write_faces(folder / "people", folder / "cache", identities=IDENTITIES, images=IMAGES)


@pytest.fixture
def folder(faces: Path, tmp_path: Path) -> Iterator[Path]:
    yield copy_of(faces, tmp_path / "people")
    shutil.rmtree(tmp_path / "people")


def looked_at(config: RunConfig, cache: Path) -> PreflightReport:
    """The checks that need no network."""
    return next(iter(preflight_parts(config, cache)))


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.png"))


def test_a_good_folder_has_nothing_to_mend(faces: Path, tmp_path: Path) -> None:
    report = looked_at(config_for(faces), tmp_path / "cache")
    assert report.worst == "ok", report.findings
    assert not report.unchecked
    assert not report.complete
    passed = {one.check for one in report.passed}
    assert {"data.duplicates", "data.constant", "data.imbalance", "data.names", "settings.reach"} <= passed


def test_one_picture_under_two_names_is_a_wrong_label(folder: Path, tmp_path: Path) -> None:
    one, other = files(folder)[0], files(folder)[-1]
    Image.open(one).save(other.with_suffix(".jpg"), quality=80)
    finding = found(looked_at(config_for(folder), tmp_path / "cache"), "data.duplicates_across")
    assert (finding.level, finding.cause) == ("warning", "labels.shuffled")
    assert finding.values["images"] == 2
    assert one.parent.name in finding.examples[0]
    assert other.parent.name in finding.examples[0]


def test_copies_on_both_sides_of_the_split_are_counted(folder: Path, tmp_path: Path) -> None:
    split = tmp_path / "split"
    for person in sorted(folder.iterdir()):
        shutil.copytree(person, split / "train" / person.name)
        scored = split / "val" / person.name
        scored.mkdir(parents=True)
        for image in files(person)[:2]:
            shutil.copy(image, scored / image.name)
    report = looked_at(config_for(split), tmp_path / "cache")
    finding = found(report, "data.split_overlap")
    assert finding.level == "warning"
    assert finding.values["share"] == 1.0
    assert found(report, "data.duplicates_within").level == "warning"


def test_repeats_within_an_identity_are_only_mentioned_while_few(folder: Path, tmp_path: Path) -> None:
    first = files(folder)[0]
    shutil.copy(first, first.with_name("again.png"))
    report = looked_at(config_for(folder), tmp_path / "cache")
    finding = found(report, "data.duplicates_within")
    assert (finding.level, finding.cause, finding.values["images"]) == ("info", "", 1)


def test_some_black_images_are_a_warning_and_mostly_black_ones_block(folder: Path, tmp_path: Path) -> None:
    black = Image.new("RGB", (PX, PX))
    for path in files(folder)[:3]:
        black.save(path)
    finding = found(looked_at(config_for(folder), tmp_path / "cache"), "data.constant")
    assert (finding.level, finding.cause, finding.values["constant"]) == ("warning", "input.constant", 3)
    for path in files(folder)[:60]:
        black.save(path)
    finding = found(looked_at(config_for(folder), tmp_path / "cache"), "data.constant")
    assert (finding.level, finding.values["constant"]) == ("blocking", 60)


def test_one_placeholder_everywhere_blocks(folder: Path, tmp_path: Path) -> None:
    for path in files(folder)[1:]:
        shutil.copy(files(folder)[0], path)
    finding = found(looked_at(config_for(folder), tmp_path / "cache"), "data.constant")
    assert (finding.level, finding.values["distinct"]) == ("blocking", 1)


def test_pictures_saved_after_scaling_to_one_are_out_of_range(folder: Path, tmp_path: Path) -> None:
    for path in files(folder):
        Image.fromarray((np.asarray(Image.open(path)) / 255.0 + 0.5).astype(np.uint8)).save(path)
    finding = found(looked_at(config_for(folder), tmp_path / "cache"), "data.pixel_range")
    assert (finding.level, finding.cause) == ("blocking", "input.range")
    assert finding.values["high"] <= 1.0


def test_unreadable_files_are_listed(folder: Path, tmp_path: Path) -> None:
    files(folder)[0].write_bytes(b"no picture")
    finding = found(looked_at(config_for(folder), tmp_path / "cache"), "data.unreadable")
    assert finding.values["unreadable"] == 1
    assert files(folder)[0].name in finding.examples[0]


def test_one_identity_with_most_images_is_imbalance(folder: Path, tmp_path: Path) -> None:
    largest = sorted(folder.iterdir())[0]
    extra = write_faces(tmp_path / "more", tmp_path / "drawn", identities=2, images=300, seed=9)
    for number, path in enumerate(files(extra)):
        shutil.copy(path, largest / f"extra{number}.png")
    finding = found(looked_at(config_for(folder), tmp_path / "cache"), "data.imbalance")
    assert (finding.level, finding.cause) == ("warning", "data.imbalance")
    assert finding.values["largest_share"] > 0.85
    assert largest.name in finding.text


def test_twice_as_many_images_of_some_people_is_no_imbalance(folder: Path, tmp_path: Path) -> None:
    for person in sorted(folder.iterdir())[:6]:
        for path in files(person)[3:]:
            path.unlink()
    report = looked_at(config_for(folder), tmp_path / "cache")
    assert report.worst in {"ok", "info"}
    assert "data.imbalance" in {one.check for one in report.passed}


def test_the_same_people_spelled_otherwise_are_recognised(folder: Path, tmp_path: Path) -> None:
    split = tmp_path / "split"
    for number, person in enumerate(sorted(folder.iterdir())):
        shutil.copytree(person, split / "train" / f"s{number:02d}")
        shutil.copytree(person, split / "val" / f"S{number}")
    report = looked_at(config_for(split), tmp_path / "cache")
    finding = found(report, "data.names")
    assert (finding.level, finding.cause) == ("blocking", "labels.split_mismatch")
    assert "s00 / S0" in finding.examples
    assert "data.source" not in {one.check for one in report.findings}, "one reason is enough"


def test_identities_that_are_only_scored_are_named(folder: Path, tmp_path: Path) -> None:
    split = tmp_path / "split"
    for number, person in enumerate(sorted(folder.iterdir())):
        if number < 10:
            shutil.copytree(person, split / "train" / person.name)
        if number > 2:
            shutil.copytree(person, split / "val" / person.name)
    finding = found(looked_at(config_for(split), tmp_path / "cache"), "data.names")
    assert finding.level == "warning"
    assert finding.values["identities_unknown"] == 2


def test_small_grey_files_are_mentioned(folder: Path, tmp_path: Path) -> None:
    for path in files(folder)[:20]:
        Image.open(path).convert("L").resize((40, 40)).save(path)
    finding = found(looked_at(config_for(folder), tmp_path / "cache"), "data.makeup")
    assert finding.level == "info"
    assert finding.values["small_share"] == pytest.approx(20 / 72)
    assert finding.values["grey_share"] == pytest.approx(20 / 72)


def test_a_folder_that_is_not_there_blocks_and_the_settings_are_checked_all_the_same(tmp_path: Path) -> None:
    config = config_for(tmp_path / "nowhere", head__scale=8, head__temperature=4)
    reports = list(preflight_parts(config, tmp_path / "cache"))
    assert len(reports) == 1
    finding = found(reports[0], "data.source")
    assert finding.level == "blocking"
    assert "nowhere" in finding.text
    assert reports[0].complete


def test_batches_of_many_identities_pass_although_folders_are_sorted(faces: Path, tmp_path: Path) -> None:
    report = looked_at(config_for(faces), tmp_path / "cache")
    batches = next(one for one in report.passed if one.check == "data.batches")
    assert batches.values["identities_min"] > 6


def test_a_large_folder_is_looked_at_in_part_and_says_so(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeft_core.preflight.subject.HASHED_IMAGES", 20)
    report = looked_at(config_for(faces), tmp_path / "cache")
    assert report.sampled == ("Pixels: 20 of 72 images were looked at.",)


def test_a_check_that_breaks_says_so_and_the_others_go_on(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("surprise")

    monkeypatch.setattr("edgeft_core.preflight.data_checks.duplicates.same_pictures", broken)
    report = looked_at(config_for(faces), tmp_path / "cache")
    assert report.unchecked == ("Duplicates: ZeroDivisionError: surprise",)
    assert "data.constant" in {one.check for one in report.passed}
