"""What can be asked of a run in which state; a living worker is stood in for by rows."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from edgeft_core import jobs
from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.errors import ConfigError, RequestError, TransitionError, UnknownRunError
from edgeft_core.jobs import control, dispatcher, launching
from edgeft_core.jobs.states import RunState
from edgeft_core.settings import Home
from edgeft_core.store.catalog import SqlCatalog
from edgeft_core.store.contract import CommandRecord, RunRecord
from edgeft_core.store.processes import current_process


@pytest.fixture(autouse=True)
def asked_for_dispatcher(monkeypatch: pytest.MonkeyPatch) -> list[Home]:
    """Nobody moves the queue in these tests."""
    asked: list[Home] = []
    monkeypatch.setattr(dispatcher, "ensure", asked.append)
    return asked


@pytest.fixture
def run(home: Home, catalog: SqlCatalog) -> RunRecord:
    """A run that goes, as far as the catalog knows."""
    queued = jobs.launch(home, RunConfig(), name="going")
    catalog.claim_run(queued.id, current_process())
    return catalog.move_run(queued.id, RunState.RUNNING)


def test_launching_writes_a_folder_and_a_row_and_asks_for_a_dispatcher(
    home: Home, catalog: SqlCatalog, asked_for_dispatcher: list[Home]
) -> None:
    config = with_values(RunConfig(), {"head.scale": 12})
    run = jobs.launch(home, config, name="  mine ")
    assert (catalog.run("mine").id, run.state, run.config) == (run.id, RunState.QUEUED, config)
    text = (home.run_folder(run.id) / "config.json").read_text(encoding="utf-8")
    assert RunConfig.model_validate_json(text) == config
    assert asked_for_dispatcher == [home]


def test_runs_without_a_name_take_the_presets_and_a_number(home: Home) -> None:
    names = [jobs.launch(home, RunConfig()).name for _ in range(3)]
    assert names == ["recommended", "recommended-2", "recommended-3"]


def test_paths_of_a_config_are_made_absolute(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my faces").mkdir()
    monkeypatch.chdir(tmp_path)
    run = jobs.launch(home, with_values(RunConfig(), {"data.source": "my faces"}))
    assert run.config.data.source == str((tmp_path / "my faces").resolve())
    assert run.config.backbone.weights == "demo"


def test_all_paths_that_do_not_exist_are_listed_and_nothing_is_left_behind(
    home: Home, catalog: SqlCatalog
) -> None:
    config = with_values(RunConfig(), {"data.source": "/no/faces", "backbone.weights": "/no/weights.pt"})
    with pytest.raises(ConfigError) as caught:
        jobs.launch(home, config)
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["data.source", "backbone.weights"]
    assert catalog.runs() == []
    assert list((home.root / "runs").iterdir()) == []


def test_ids_begin_with_a_letter_and_do_not_repeat() -> None:
    ids = {launching.new_run_id() for _ in range(2000)}
    assert len(ids) == 2000
    assert all(one[0].isalpha() and one.isalnum() and len(one) == 8 for one in ids)


def test_a_change_is_stored_with_typed_values_and_waits(home: Home, run: RunRecord) -> None:
    asked = control.set_values(home, "going", {"head.scale": "8", "head.centre": "on"}, requested_by="test")
    assert asked.changes == {"head.scale": 8.0, "head.centre": True}
    assert (asked.outcome, asked.requested_by, asked.run_id) == ("pending", "test", run.id)


def test_waiting_for_an_outcome_ends_when_it_is_there(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    def answer() -> None:
        while not (pending := catalog.pending_commands(run.id)):
            time.sleep(0.01)
        catalog.settle_command(
            pending[0].id, "refused", step=9, reason="because", previous={"head.scale": 16.0}
        )

    worker = threading.Thread(target=answer)
    worker.start()
    asked = control.set_values(home, run.id, {"head.scale": 8}, wait_s=30)
    worker.join()
    assert (asked.outcome, asked.step, asked.reason) == ("refused", 9, "because")


def test_waiting_is_over_after_the_given_time(home: Home, run: RunRecord) -> None:
    assert control.pause(home, run.id, wait_s=0.05).outcome == "pending"


def test_everything_wrong_with_a_change_is_said_at_once(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    changes = {"head.scal": 8, "head.margin_rad": 9, "data.batch_size": 64}
    with pytest.raises(ConfigError) as caught:
        control.set_values(home, run.id, changes)
    told = "\n".join(caught.value.problems)
    assert "did you mean head.scale?" in told
    assert "head.margin_rad: input should be less than or equal to 1.5" in told
    assert "data.batch_size: cannot change while the run goes" in told
    assert catalog.commands(run.id) == []


def test_a_run_in_the_queue_is_stopped_at_once(home: Home, catalog: SqlCatalog) -> None:
    queued = jobs.launch(home, RunConfig())
    stopped = control.stop(home, queued.id)
    assert isinstance(stopped, RunRecord)
    assert stopped.state is catalog.run(queued.id).state is RunState.STOPPED


def test_a_stopped_run_goes_back_into_the_queue_and_a_finished_one_does_not(
    home: Home, catalog: SqlCatalog, run: RunRecord, asked_for_dispatcher: list[Home]
) -> None:
    catalog.move_run(run.id, RunState.STOPPED)
    asked_for_dispatcher.clear()
    queued = control.resume(home, run.id)
    assert isinstance(queued, RunRecord)
    assert queued.state is RunState.QUEUED
    assert asked_for_dispatcher == [home]
    catalog.claim_run(run.id, current_process())
    catalog.move_run(run.id, RunState.RUNNING)
    catalog.move_run(run.id, RunState.FINISHED)
    with pytest.raises(TransitionError, match="is finished and cannot be resumed; restart"):
        control.resume(home, run.id)


@pytest.mark.parametrize("verb", [control.pause, control.stop, control.checkpoint])
def test_a_run_that_has_ended_takes_no_requests(
    home: Home, catalog: SqlCatalog, run: RunRecord, verb: object
) -> None:
    catalog.move_run(run.id, RunState.FINISHED)
    assert callable(verb)
    with pytest.raises(TransitionError, match="it has ended"):
        verb(home, run.id)
    assert catalog.commands(run.id) == []


def test_a_request_to_a_run_whose_worker_died_finds_that_out(home: Home, catalog: SqlCatalog) -> None:
    queued = jobs.launch(home, RunConfig(max_restarts=0))
    me = current_process()
    catalog.claim_run(queued.id, type(me)(me.pid, me.started_at - 3600, me.host))
    with pytest.raises(TransitionError, match="is lost and cannot be paused"):
        control.pause(home, queued.id)
    assert catalog.run(queued.id).state is RunState.LOST


def test_restarting_makes_a_child_with_live_changes_and_new_values(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    asked = control.set_values(home, run.id, {"head.scale": 8, "head.margin_rad": 0.1})
    assert isinstance(asked, CommandRecord)
    catalog.settle_command(asked.id, "applied", step=3, reason="", previous={})
    control.set_values(home, run.id, {"head.temperature": 9})  # never answered
    child = control.restart(home, run.id, {"head.scale": 4, "data.batch_size": 64})
    assert (child.parent_id, child.name, child.state) == (run.id, "going-2", RunState.QUEUED)
    head = child.config.head
    assert (head.scale, head.margin_rad, head.temperature, child.config.data.batch_size) == (4, 0.1, 1, 64)


def test_renaming_refuses_an_empty_name(home: Home, catalog: SqlCatalog, run: RunRecord) -> None:
    control.rename(home, "going", "gone")
    assert catalog.run(run.id).name == "gone"
    with pytest.raises(RequestError, match="cannot be empty"):
        control.rename(home, "gone", " ")


def test_deleting_removes_folder_and_rows_and_refuses_a_run_that_goes(
    home: Home, catalog: SqlCatalog, run: RunRecord
) -> None:
    with pytest.raises(TransitionError, match="stop it before deleting it"):
        control.delete(home, run.id)
    assert home.run_folder(run.id).is_dir()
    catalog.move_run(run.id, RunState.STOPPED)
    control.delete(home, run.id)
    assert list((home.root / "runs").iterdir()) == []
    with pytest.raises(UnknownRunError):
        catalog.run(run.id)
