"""Embeddings on disk: found again, never trusted when damaged, never in the way of a run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from torch import nn

from edgeft_core.engine import embedding_store
from edgeft_core.engine.embedding_store import EmbeddingStore, cache_key, weights_hash
from edgeft_core.events import Event, Notice, Progress
from tests.engine.runs import events_of, of, story, tiny


def test_tensors_are_found_under_their_key_by_any_process(tmp_path: Path) -> None:
    tensors = {"emb_ND": torch.randn(5, 3)}
    assert EmbeddingStore(tmp_path / "deep").save("k", tensors) == ""
    found = EmbeddingStore(tmp_path / "deep").load("k")
    assert found is not None
    assert torch.equal(found["emb_ND"], tensors["emb_ND"])
    assert EmbeddingStore(tmp_path / "deep").load("other") is None


def test_a_damaged_file_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "k.safetensors").write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00rubbish!")
    assert EmbeddingStore(tmp_path).load("k") is None


def test_a_folder_that_cannot_be_written_turns_the_store_off_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = EmbeddingStore(tmp_path / "file" / "embeddings")
    assert "stay in memory" in store.save("k", {"a": torch.zeros(1)})
    assert store.save("k", {"a": torch.zeros(1)}) == ""
    assert store.load("k") is None


def test_without_a_folder_nothing_is_kept() -> None:
    store = EmbeddingStore(None)
    assert store.save("k", {"a": torch.zeros(1)}) == ""
    assert store.load("k") is None


def test_the_embeddings_used_longest_ago_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding_store, "SIZE_LIMIT", 10_000)
    store = EmbeddingStore(tmp_path)
    for age, key in enumerate(["newest", "used", "oldest"]):
        store.save(key, {"a": torch.zeros(1000)})
        os.utime(tmp_path / f"{key}.safetensors", (1e9 - age, 1e9 - age))
    store.load("oldest")  # using it makes it the newest
    store.save("next", {"a": torch.zeros(1000)})
    assert sorted(one.stem for one in tmp_path.iterdir()) == ["next", "oldest"]


def test_a_key_changes_with_any_fact_and_not_with_their_order() -> None:
    assert cache_key({"a": 1, "b": [2]}) == cache_key({"b": [2], "a": 1})
    assert cache_key({"a": 1, "b": [2]}) != cache_key({"a": 1, "b": [3]})


def test_the_weights_hash_sees_one_changed_number_a_buffer_and_a_name() -> None:
    def network() -> nn.BatchNorm1d:
        return nn.BatchNorm1d(4)

    changed, counted = network(), network()
    with torch.no_grad():
        changed.weight[2] += 1e-6
    assert counted.running_mean is not None
    counted.running_mean[0] = 1.0
    hashes = {weights_hash(one) for one in (network(), changed, counted, nn.Sequential(network()))}
    assert len(hashes) == 4
    assert weights_hash(network()) == weights_hash(network())


def embedded(events: list[Event]) -> int:
    """Versions of the training images that were embedded to the end."""
    told = [one for one in of(Progress, events) if one.what == "Embedding training images"]
    return sum(one.done == one.total for one in told)


def test_a_second_run_on_the_same_weights_embeds_nothing_again(tmp_path: Path) -> None:
    config = tiny(stages__1__epochs=1)
    assert embedded(events_of(config, tmp_path, name="first")) == 2  # one chunk in each of two views
    assert embedded(events_of(config, tmp_path, name="second")) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"data__normalisation": "imagenet"},
        {"data__train_on": "hr"},
        {"data__rotation_deg": 10.0},
        {"data__low_res_px": 24},
    ],
    ids=str,
)
def test_other_pixels_are_embedded_anew(tmp_path: Path, change: dict[str, object]) -> None:
    short = {"stages__0__epochs": 1, "stages__1__epochs": 1}
    events_of(tiny(**short), tmp_path, name="first")
    assert embedded(events_of(tiny(**short, **change), tmp_path, name="second")) == 1


def test_a_cache_that_cannot_be_written_costs_a_warning_and_nothing_else(
    tmp_path: Path, whole_run: list[Event]
) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "embeddings").write_text("a file where the folder should be")
    events = events_of(tiny(), tmp_path)
    assert story(events) == story(whole_run)
    warned = [one.text for one in of(Notice, events) if one.level == "warning"]
    assert len(warned) == 1
    assert "stay in memory" in warned[0]
