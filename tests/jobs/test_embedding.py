"""Embedding for a lab beside a page: the same numbers as the run's own, real processes, a sentence when it fails."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from edgeft_core.config_keys import with_values
from edgeft_core.errors import DataError, WeightsError
from edgeft_core.events import EmbeddingsTaken
from edgeft_core.jobs.embedding import EmbeddingProcess, EmbeddingProgress, embedded
from edgeft_core.labs.embedding import embed, place_of
from edgeft_core.labs.embedding.embed import embed_for_lab
from edgeft_core.settings import Home
from edgeft_core.store.embeddings import read_embeddings
from tests.engine.runs import events_of, of, tiny


def quiet(what: str, done: int, total: int) -> None:
    """Nobody watches."""


def awaited(job: EmbeddingProcess, seconds: float = 600.0) -> list[EmbeddingProgress]:
    told: list[EmbeddingProgress] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        told.append(job.poll())
        if not told[-1].running:
            return told
        time.sleep(0.05)
    job.stop()
    raise AssertionError(f"still at {told[-1].what}")


def test_a_checkpoint_gives_the_embeddings_that_the_run_had_kept(tmp_path: Path) -> None:
    config = tiny()
    run = events_of(config, tmp_path)
    place = embed_for_lab(config, cache=tmp_path / "cache", run_folder=tmp_path / "run", tell=quiet)
    found = read_embeddings(place / "head", "validation")
    wanted = [one for one in of(EmbeddingsTaken, run) if one.split == "validation"][-1]
    assert found is not None
    assert (found.step, found.total) == (wanted.step, wanted.total)
    assert found.labels_N.tolist() == wanted.labels_N.tolist()
    np.testing.assert_allclose(found.z_ND @ found.w_CD.T, wanted.z_ND @ wanted.w_CD.T, atol=2e-3)
    np.testing.assert_allclose(found.mean_D, wanted.mean_D, atol=1e-5)


def test_without_a_run_the_head_is_fresh_and_class_means_do_better(tmp_path: Path) -> None:
    config = tiny(data__image_px=112, backbone__weights="demo", backbone__embedding_dim=512)
    place = embed_for_lab(config, cache=tmp_path, run_folder=None, tell=quiet)
    top1 = {}
    for weights in ("head", "means"):
        taken = read_embeddings(place / weights, "validation")
        assert taken is not None
        assert taken.step == 0
        top1[weights] = float(((taken.z_ND @ taken.w_CD.T).argmax(axis=1) == taken.labels_N).mean())
    assert top1["means"] > top1["head"]
    assert top1["means"] > 0.5


def test_other_weights_data_or_checkpoints_are_another_place(tmp_path: Path) -> None:
    config = tiny()
    place = place_of(tmp_path, config, None)
    assert place == place_of(tmp_path, with_values(config, {"head.scale": 3}), None), (
        "the head does not matter"
    )
    assert place != place_of(tmp_path, with_values(config, {"data.normalisation": "none"}), None)
    assert place != place_of(tmp_path, config, tmp_path / "run")
    before = place_of(tmp_path, config, tmp_path / "run")
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "run" / "checkpoints" / "last.pt").write_bytes(b"newer")
    assert before != place_of(tmp_path, config, tmp_path / "run")


def test_only_the_newest_answers_stay_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed, "KEPT_AT_MOST", 1)
    places = [embed_for_lab(tiny(seed=seed), cache=tmp_path, run_folder=None, tell=quiet) for seed in (1, 2)]
    assert [place.is_dir() for place in places] == [False, True]


def test_what_does_not_fit_is_a_sentence(tmp_path: Path) -> None:
    events_of(tiny(), tmp_path)
    with pytest.raises(WeightsError, match="belongs to another network"):
        embed_for_lab(
            tiny(data__identities=9), cache=tmp_path / "cache", run_folder=tmp_path / "run", tell=quiet
        )
    with pytest.raises(DataError):
        embed_for_lab(
            tiny(data__source=str(tmp_path / "nowhere")), cache=tmp_path, run_folder=None, tell=quiet
        )


@pytest.mark.slow
def test_a_process_tells_progress_and_its_answer_is_found_again(home: Home) -> None:
    assert embedded(home, tiny(), "validation", weights="means") is None
    told = awaited(EmbeddingProcess.start(home, tiny()))
    assert not told[-1].error
    assert len({one.what for one in told}) > 1
    found = embedded(home, tiny(), "validation", weights="means")
    assert found is not None
    assert len(found.labels_N) == 12
    assert not list((home.cache / "labs").glob("*.lines")), "nothing is left lying about"


@pytest.mark.slow
def test_a_process_that_fails_says_why(home: Home, tmp_path: Path) -> None:
    told = awaited(EmbeddingProcess.start(home, tiny(data__source=str(tmp_path / "nowhere"))))
    assert "nowhere" in told[-1].error


def test_it_can_be_stopped(home: Home) -> None:
    job = EmbeddingProcess.start(home, tiny())
    assert job.poll().running
    job.stop()
    assert job.poll() == EmbeddingProgress(running=False)
