"""Settings that cannot work are named before anything is computed; those of the presets are judged as they deserve."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.diagnostics.case import Finding
from edgeft_core.preflight import SETTINGS_CHECKS, Passed, Subject
from edgeft_core.presets import PRESETS


def judged(config: RunConfig, cache: Path) -> Iterator[Finding | Passed]:
    subject = Subject.open(config, cache, lambda *_: None)
    for check in SETTINGS_CHECKS.values():
        yield from check(subject)


def causes(config: RunConfig, cache: Path) -> set[str]:
    return {one.cause for one in judged(config, cache) if isinstance(one, Finding) and one.level != "info"}


def changed(**values: object) -> RunConfig:
    named = {key.replace("__", "."): value for key, value in values.items()}
    return with_values(PRESETS["recommended"](), named)


@pytest.mark.parametrize(
    "preset", ["recommended", "smoke", "insightface", "reported-before", "collapse-demo"]
)
def test_settings_that_can_learn_pass(preset: str, tmp_path: Path) -> None:
    assert causes(PRESETS[preset](), tmp_path) == set()


def test_the_reported_fix_cannot_reach_a_useful_probability(tmp_path: Path) -> None:
    said = [one for one in judged(PRESETS["reported-fix"](), tmp_path) if isinstance(one, Finding)]
    assert [one.cause for one in said] == ["scale.too_low"]
    assert said[0].values["attainable_probability"] == pytest.approx(0.014, abs=5e-4)
    assert "1.4%" in said[0].text
    mended = with_values(PRESETS["reported-fix"](), said[0].fix)
    assert causes(mended, tmp_path) == set()


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        ({"head__scale": 128}, "scale.too_high"),
        ({"head__margin_rad": 1.2}, "margin.too_large"),
        ({"head__kind": "cosface", "head__scale": 10, "head__margin_rad": 0.6}, "margin.too_large"),
        ({"stages__0__head_lr": 0.5}, "lr.too_high"),
        ({"stages__1__backbone_lr": 0.01}, "lr.too_high"),
        ({"stages__0__head_lr": 1e-6, "stages__1__head_lr": 1e-6}, "lr.too_low"),
        ({"stages__0__head_lr": 0, "stages__1__head_lr": 0}, "head.not_training"),
        ({"stages__1__contrastive_weight": 10}, "embedding.alignment_only"),
    ],
)
def test_each_setting_that_cannot_work_is_named_and_its_fix_mends_it(
    values: dict[str, object], cause: str, tmp_path: Path
) -> None:
    config = changed(**values)
    said = [one for one in judged(config, tmp_path) if isinstance(one, Finding) and one.level == "warning"]
    assert {one.cause for one in said} == {cause}
    fixes = {key: value for one in said for key, value in one.fix.items()}
    assert causes(with_values(config, fixes), tmp_path) == set()


def test_a_plain_softmax_has_no_margin_to_judge(tmp_path: Path) -> None:
    said = list(judged(changed(head__kind="softmax", head__margin_rad=1.5), tmp_path))
    assert not [one for one in said if one.check == "settings.margin"]


def test_the_expected_first_loss_is_told(tmp_path: Path) -> None:
    said = list(judged(PRESETS["reported-before"](), tmp_path))
    loss = next(one for one in said if one.check == "settings.first_loss")
    # ln 518 + 32 sin 0.3 + 32^2 / 1024
    assert loss.values["expected_first_loss"] == pytest.approx(6.2500 + 9.4566 + 1.0, abs=1e-3)


def test_a_full_disk_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        free = 1000

    monkeypatch.setattr("edgeft_core.preflight.settings_checks.space.shutil.disk_usage", lambda _: Full)
    said = [
        one
        for one in judged(PRESETS["recommended"](), tmp_path / "not there yet")
        if one.check == "settings.disk"
    ]
    assert isinstance(said[0], Finding)
    assert said[0].level == "blocking"
