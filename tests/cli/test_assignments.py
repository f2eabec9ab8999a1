"""``key=value`` words and TOML files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeft_core.cli.assembling import assemble
from edgeft_core.cli.assignments import divided, parse_assignments
from edgeft_core.cli.toml_file import read_settings
from edgeft_core.config import RunConfig
from edgeft_core.config_keys import flatten, settings_of, value_of
from edgeft_core.errors import ConfigError
from edgeft_core.presets import PRESETS

KEYS = st.text(min_size=1).filter(lambda text: "=" not in text and text.strip())
VALUES = st.text()


@given(st.dictionaries(KEYS, VALUES))
def test_what_is_written_is_read_back(pairs: dict[str, str]) -> None:
    read = parse_assignments(f"{key}={value}" for key, value in pairs.items())
    expected = {}
    for key, value in pairs.items():
        expected[key.strip()] = value.strip()
    assert read == expected


@given(st.lists(st.text()))
def test_every_word_is_either_an_assignment_or_a_problem(words: list[str]) -> None:
    values, problems = divided(words)
    wrong = [word for word in words if not word.partition("=")[0].strip() or "=" not in word]
    assert len(problems) == len(wrong)
    assert set(values) == {word.partition("=")[0].strip() for word in words if word not in wrong}


def test_a_later_word_wins_and_only_the_first_equals_sign_divides() -> None:
    assert parse_assignments(["a=1", " b = x=y ", "a=2"]) == {"a": "2", "b": "x=y"}


@given(st.data())
def test_every_number_within_its_bounds_can_be_set(data: st.DataObject) -> None:
    numbers = [one for one in settings_of(RunConfig()).values() if one.kind == "float"]
    one = data.draw(st.sampled_from(numbers))
    value = data.draw(st.floats(one.minimum, one.maximum))
    config = assemble(None, None, None, None, [f"{one.key}={value!r}"])
    assert value_of(config, one.key) == value


@given(st.text(), st.text())
def test_no_word_breaks_the_parser(key: str, value: str) -> None:
    try:
        assemble(None, None, None, None, [f"{key}={value}"])
    except ConfigError as error:
        assert error.problems


def test_every_preset_can_be_written_down_setting_by_setting() -> None:
    for name, make in PRESETS.items():
        words = [f"{key}={value}" for key, value in flatten(make()).items() if value is not None]
        assert assemble(name, None, None, None, words) == make()


def test_lines_of_settings_are_found_in_tables_arrays_and_dotted_keys(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        "\ufeffseed = 1  # a comment\nhead.scale = 2\n\n[data]\nsource = 'x'\n[[stages]]\nepochs = 1\n"
        "[[stages]]\n'head_lr' = 2\n",
        encoding="utf-8",
    )
    settings = read_settings(file)
    assert settings.tree["stages"] == [{"epochs": 1}, {"head_lr": 2}]
    wanted = {
        "seed": 1,
        "head.scale": 2,
        "data": 4,
        "data.source": 5,
        "stages.0.epochs": 7,
        "stages.1.head_lr": 9,
    }
    assert wanted.items() <= settings.lines.items()
    assert settings.located("stages.1.head_lr: too large") == f"{file} line 9: stages.1.head_lr: too large"
    assert settings.located("stages.1: no rate") == f"{file} line 8: stages.1: no rate"
    assert settings.located("monitor.x: bad") == f"{file}: monitor.x: bad"


@given(st.text())
def test_reading_any_file_gives_settings_or_a_problem(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    file = tmp_path_factory.mktemp("toml") / "any.toml"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        assert isinstance(read_settings(file).tree, dict)
    except ConfigError as error:
        assert str(file) in str(error)
