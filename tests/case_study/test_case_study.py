"""The case study's script in its smallest form, and its document beside the kept measurement."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.case_study.document import BLOCKS, DOCUMENT, IMAGES, MADE, filled, newest, typed
from benchmarks.case_study.figures import FIGURES, drawn
from benchmarks.case_study.grid import Study
from benchmarks.case_study.measuring import measure
from benchmarks.case_study.result import Result
from edgeft_core.diagnostics.causes import CAUSES
from edgeft_core.diagnostics.status import STATUSES
from edgeft_core.settings import REPOSITORY

PEOPLE = 12


@pytest.fixture(scope="module")
def smallest(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Path]:
    """Twelve people at 32 px, one epoch, one seed, two kinds of embeddings and one second stage."""
    work = tmp_path_factory.mktemp("case-study")
    study = Study(
        work,
        identities=PEOPLE,
        seeds=(1,),
        epochs=1,
        changes={
            "data.images_per_identity": 12,
            "data.image_px": 32,
            "data.low_res_px": 16,
            "data.batch_size": 24,
            "stages.0.cached_views": 1,
            "monitor.window_images": 40,
        },
        second_stage_people=PEOPLE,
        kinds=("healthy", "unnormalised", "half_loaded"),
        further=(),
        knob_kinds=("unnormalised",),
        second_stages=("pull alone, lr 1e-3",),
    )
    out = work / "result.json"
    measure(study, out=out, tell=lambda _: None)
    return study, out


def kept(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return content


def test_every_cell_is_scored_judged_and_attributed(smallest: tuple[Study, Path]) -> None:
    grid = kept(smallest[1])["grid"]
    assert len(grid) == 3 * 3 * 2
    for cell in grid.values():
        assert 1 / PEOPLE <= cell["val_max_class_share"] <= 1
        assert 1 <= cell["val_effective_classes"] <= cell["val_unique_classes"] <= PEOPLE
        assert 0 <= cell["val_top1"] <= cell["val_top5"] <= 1
        assert cell["verdict"] in STATUSES
        assert not cell["cause"] or cell["cause"] in CAUSES


def test_half_of_the_weights_are_missing_and_the_app_says_so(smallest: tuple[Study, Path]) -> None:
    content = kept(smallest[1])
    assert content["first_look"]["half_loaded/1"]["random_share"] > 0.5
    assert content["grid"]["half_loaded/before/plain/1"]["cause"] == "weights.missing"
    assert content["grid"]["unnormalised/before/plain/1"]["cause"] == "input.range"


def test_before_training_no_setting_changes_a_prediction(smallest: tuple[Study, Path]) -> None:
    result = Result.read(smallest[1])
    assert all(len(result.first_predictions(kind, 1)) == 1 for kind in result.kinds)


def test_scale_and_temperature_never_change_the_order_of_classes(smallest: tuple[Study, Path]) -> None:
    for rows in kept(smallest[1])["invariance"].values():
        assert len({row["logit_std"] for row in rows}) > 3
        assert all(row["changed_argmax"] == 0 == row["changed_top5"] for row in rows)


def test_a_second_stage_is_told_batch_by_batch(smallest: tuple[Study, Path]) -> None:
    found = kept(smallest[1])["pull_only"]["pull alone, lr 1e-3"]
    assert len(found["batches"]["cos_same_image"]) == found["steps"] == len(found["batches"]["step"])
    assert found["after"]["val_cos_same_image"] != found["before"]["val_cos_same_image"]


def test_a_measurement_goes_on_where_it_was_interrupted(smallest: tuple[Study, Path]) -> None:
    study, out = smallest
    whole = kept(out)
    key = "unnormalised/T 4/1"
    out.write_text(json.dumps({**whole, "knobs": {k: v for k, v in whole["knobs"].items() if k != key}}))
    made: list[str] = []
    measure(study, out=out, tell=made.append)
    assert len(made) == 1
    assert kept(out)["knobs"][key] == whole["knobs"][key]


def test_all_tables_and_figures_can_be_made_of_it(smallest: tuple[Study, Path]) -> None:
    result = Result.read(smallest[1])
    for name, make in BLOCKS.items():
        if not name.startswith("grid ") or name.removeprefix("grid ") in result.kinds:
            assert make(result).strip(), name
    figures = drawn(result)
    assert set(figures) == set(FIGURES)
    for svg in figures.values():
        ElementTree.fromstring(svg)


def test_the_document_shows_what_was_measured() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert set(MADE.findall(document)), "the document has lost its marks"
    assert filled(document, Result.read(newest())) == document, "run python scripts/case_study.py write"


def test_the_figures_show_what_was_measured() -> None:
    for name, svg in drawn(Result.read(newest())).items():
        assert (IMAGES / name).read_text(encoding="utf-8") == svg, name


def test_no_measured_figure_is_typed_by_hand() -> None:
    """What people wrote holds the report's own numbers and settings, but no shares in percent besides its zero."""
    by_hand = re.findall(r"[\d.]+ %", typed(DOCUMENT.read_text(encoding="utf-8")))
    assert set(by_hand) <= {"0.0000 %"}


def test_readers_find_the_case_study() -> None:
    for page in ("README.md", "docs/quickstart.md"):
        assert "case-study.md" in (REPOSITORY / page).read_text(encoding="utf-8"), page
