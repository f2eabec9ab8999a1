"""Checkpoint files: whole, safe to read, and never in the way of the one before."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from edgeft_core.config_keys import with_values
from edgeft_core.engine import checkpoint_file
from edgeft_core.errors import WeightsError
from edgeft_core.events import CheckpointReady, CheckpointSaved, Event, Notice, RunEnded
from tests.engine.runs import events_of, of, started, tiny

ROOT = Path(__file__).resolve().parents[2]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    content = {"head": {"weight": torch.arange(6.0).reshape(2, 3)}, "step": 7, "names": ["a", "b"]}
    saved = checkpoint_file.write(tmp_path / "deep" / "last.pt", checkpoint_file.serialise(content))
    assert saved.sha256 == hashlib.sha256(saved.path.read_bytes()).hexdigest()
    assert saved.size_bytes == saved.path.stat().st_size
    again = checkpoint_file.read(saved.path)
    assert again["step"] == 7
    assert torch.equal(again["head"]["weight"], content["head"]["weight"])  # type: ignore[index]
    assert [one.name for one in saved.path.parent.iterdir()] == ["last.pt"]


def test_every_checkpoint_of_a_run_loads_without_trusting_it(home: Path, whole_run: list[Event]) -> None:
    kinds = set()
    for saved in of(CheckpointSaved, whole_run):
        content = torch.load(home / "whole" / saved.path, weights_only=True)
        assert content["class_names"] == [f"person_{n:04d}" for n in range(12)]
        kinds.add(saved.kind)
    assert kinds == {"first", "best", "last"}


def test_a_checkpoint_holds_the_backbone_only_once_it_was_trained(tmp_path: Path) -> None:
    events_of(tiny(stages__1__epochs=1), tmp_path)
    last = checkpoint_file.read(tmp_path / "run" / "checkpoints" / "last.pt")
    assert last["backbone"] is not None
    head_only = tiny()
    events_of(head_only.model_copy(update={"stages": head_only.stages[:1]}), tmp_path, name="head-only")
    assert checkpoint_file.read(tmp_path / "head-only" / "checkpoints" / "last.pt")["backbone"] is None


def test_a_file_that_is_no_checkpoint_or_of_another_format_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": {}}, tmp_path / "weights.pt")
    torch.save({"format": 99}, tmp_path / "newer.pt")
    for name in ("weights.pt", "newer.pt"):
        with pytest.raises(WeightsError, match="no checkpoint of format 1"):
            checkpoint_file.read(tmp_path / name)
    with pytest.raises(WeightsError, match="There is no checkpoint"):
        checkpoint_file.read(tmp_path / "missing.pt")


def test_a_pickle_with_code_in_it_is_refused_and_not_run(tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"format": 1, "head": Payload()}, tmp_path / "evil.pt")
    with pytest.raises(WeightsError, match="cannot be read"):
        checkpoint_file.read(tmp_path / "evil.pt")
    assert not (tmp_path / "ran").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files as POSIX can")
def test_a_disk_that_refuses_halfway_leaves_the_old_file_as_it_was(tmp_path: Path) -> None:
    old = checkpoint_file.write(tmp_path / "last.pt", b"the old one")
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from edgeft_core.engine import checkpoint_file\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        f"    checkpoint_file.write(Path({str(old.path)!r}), bytes(1_000_000))\n"
        "except OSError as error:\n"
        "    sys.exit(f'refused: {error}')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert "refused" in done.stderr
    assert old.path.read_bytes() == b"the old one"
    assert [one.name for one in tmp_path.iterdir()] == ["last.pt"]


def test_a_file_written_beside_has_no_name_until_it_gets_one(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    with checkpoint_file.written_beside(path, b"whole") as beside:
        assert not path.exists()
        saved = beside.rename()
    assert saved.path.read_bytes() == b"whole"
    assert [one.name for one in tmp_path.iterdir()] == ["last.pt"]


def test_a_file_written_beside_that_nobody_names_is_gone(tmp_path: Path) -> None:
    old = checkpoint_file.write(tmp_path / "last.pt", b"the old one")
    with pytest.raises(RuntimeError), checkpoint_file.written_beside(old.path, b"the new one"):
        raise RuntimeError("the recorder broke")
    assert old.path.read_bytes() == b"the old one"
    assert [one.name for one in tmp_path.iterdir()] == ["last.pt"]


def test_a_checkpoint_has_no_name_before_those_who_record_were_asked_whether_all_is_durable(
    tmp_path: Path,
) -> None:
    config = with_values(tiny(), {"checkpoints.every_steps": 4, "checkpoints.keep": 100})
    named: set[str] = set()
    seen = 0
    for event in started(config, tmp_path):
        folder = tmp_path / "run" / "checkpoints"
        if isinstance(event, CheckpointReady):
            named = {one.name for one in folder.iterdir()}
        elif isinstance(event, CheckpointSaved) and event.kind == "ring":
            name = Path(event.path).name
            assert name not in named
            assert (folder / name).exists()
            seen += 1
    assert seen >= 5


def test_a_run_that_cannot_save_goes_on_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoints").write_text("a file where the folder should be")
    events = events_of(tiny(), tmp_path)
    assert of(RunEnded, events)[0].reason == "finished"
    assert not of(CheckpointSaved, events)
    warned = [one for one in of(Notice, events) if one.level == "warning"]
    assert len(warned) == 5
    assert "No checkpoint could be written" in warned[0].text
