"""What the Catalog contract promises, on every backend."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from edgeft_core.config import RunConfig
from edgeft_core.config_keys import with_values
from edgeft_core.errors import RequestError, TransitionError, UnknownRunError
from edgeft_core.events import ControlRequest
from edgeft_core.jobs.states import TRANSITIONS, RunState
from edgeft_core.store.catalog import SqlCatalog
from edgeft_core.store.contract import AUTOPILOT, Catalog, CheckpointRecord, ProcessIdentity

CONFIG = with_values(RunConfig(), {"head.scale": 8.0, "data.source": "/bilder/K\u00f6pfe"})
SET = ControlRequest(0, "set", {"head.scale": 4.0, "head.temperature": 2.0})


def walk(catalog: Catalog, run_id: str, *states: RunState) -> None:
    for state in states:
        catalog.move_run(run_id, state)


class TestRuns:
    def test_a_new_run_is_queued_and_keeps_its_config(self, catalog: SqlCatalog) -> None:
        before = datetime.now(UTC)
        record = catalog.add_run("a1", "first", CONFIG, parent_id="a0")
        assert record == catalog.run("a1")
        assert (record.state, record.name, record.parent_id) == (RunState.QUEUED, "first", "a0")
        assert record.config == CONFIG
        assert before <= record.created_at <= datetime.now(UTC)
        assert record.created_at.utcoffset() == timedelta(0)

    def test_an_id_is_never_given_twice(self, catalog: SqlCatalog) -> None:
        catalog.add_run("a1", "first", CONFIG)
        with pytest.raises(RequestError, match="a1 is in the catalog already"):
            catalog.add_run("a1", "second", CONFIG)
        assert catalog.run("a1").name == "first"

    def test_a_run_is_found_by_id_then_name_then_prefix(self, catalog: SqlCatalog) -> None:
        for run_id, name in (("abc1", "demo"), ("abd2", "demo"), ("xyz3", "abc1")):
            catalog.add_run(run_id, name, CONFIG)
            time.sleep(0.002)  # time stamps of creation differ
        assert catalog.run("abc1").id == "abc1", "an id counts more than another run's name"
        assert catalog.run("demo").id == "abd2", "the newest of a name"
        assert catalog.run("xy").id == "xyz3"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("ab", "Several runs begin with ab: abd2, abc1"),
            ("dmeo", "did you mean demo"),
            ("", "No run"),
            ("%", "No run %"),
            ("_bc1", "No run _bc1"),
        ],
    )
    def test_a_run_that_is_not_clear_is_refused_with_a_hint(
        self, catalog: SqlCatalog, text: str, message: str
    ) -> None:
        catalog.add_run("abc1", "demo", CONFIG)
        time.sleep(0.002)
        catalog.add_run("abd2", "demo", CONFIG)
        with pytest.raises(UnknownRunError, match=message):
            catalog.run(text)

    def test_runs_are_listed_newest_first_and_by_state(self, catalog: SqlCatalog) -> None:
        for number in range(4):
            catalog.add_run(f"r{number}", "", CONFIG)
            time.sleep(0.002)
        catalog.move_run("r1", RunState.STOPPED)
        assert [run.id for run in catalog.runs()] == ["r3", "r2", "r1", "r0"]
        assert [run.id for run in catalog.runs(states=[RunState.QUEUED])] == ["r3", "r2", "r0"]
        assert [run.id for run in catalog.runs(limit=2)] == ["r3", "r2"]

    def test_a_run_without_a_name_is_named_like_its_id(self, catalog: SqlCatalog) -> None:
        assert catalog.add_run("r1", "", CONFIG).name == "r1"

    def test_renaming_changes_the_name_alone(self, catalog: SqlCatalog) -> None:
        catalog.add_run("r1", "old", CONFIG)
        catalog.rename_run("r1", "  \u65b0 ")
        assert catalog.run("r1").name == "\u65b0"
        with pytest.raises(RequestError, match="cannot be empty"):
            catalog.rename_run("r1", " ")
        with pytest.raises(UnknownRunError):
            catalog.rename_run("r2", "x")

    def test_deleting_takes_everything_of_the_run_and_nothing_else(self, catalog: SqlCatalog) -> None:
        for run_id in ("r1", "r2"):
            catalog.add_run(run_id, "", CONFIG)
            catalog.add_command(run_id, SET, requested_by="test")
            catalog.add_checkpoint(checkpoint(run_id, 5))
            walk(catalog, run_id, RunState.STOPPED)
        catalog.delete_run("r1")
        with pytest.raises(UnknownRunError):
            catalog.run("r1")
        assert not (catalog.commands("r1") or catalog.checkpoints("r1") or catalog.history("r1"))
        assert catalog.commands("r2") and catalog.checkpoints("r2") and catalog.history("r2")

    @pytest.mark.parametrize("state", [RunState.STARTING, RunState.RUNNING, RunState.PAUSED])
    def test_an_active_run_is_not_deleted(self, catalog: SqlCatalog, state: RunState) -> None:
        catalog.add_run("r1", "", CONFIG)
        path = [RunState.STARTING, RunState.RUNNING, RunState.PAUSED]
        walk(catalog, "r1", *path[: path.index(state) + 1])
        with pytest.raises(TransitionError, match="stop it before"):
            catalog.delete_run("r1")
        assert catalog.run("r1").state is state

    def test_deleting_an_unknown_run_says_so(self, catalog: SqlCatalog) -> None:
        with pytest.raises(UnknownRunError):
            catalog.delete_run("r1")

    def test_heartbeats_merge_the_summary_and_keep_nan(self, catalog: SqlCatalog) -> None:
        catalog.add_run("r1", "", CONFIG)
        catalog.heartbeat("r1", {"step": 1, "best": {"val_top1": 0.5}})
        catalog.heartbeat("r1", {"step": 2, "metrics": {"loss": float("nan")}})
        record = catalog.run("r1")
        assert record.summary["step"] == 2
        assert record.summary["best"] == {"val_top1": 0.5}
        assert record.summary["metrics"]["loss"] != record.summary["metrics"]["loss"]
        assert record.heartbeat_at is not None
        assert record.heartbeat_at.utcoffset() == timedelta(0)

    def test_a_heartbeat_of_a_deleted_run_says_so(self, catalog: SqlCatalog) -> None:
        with pytest.raises(UnknownRunError):
            catalog.heartbeat("r1", {})


class TestStates:
    def test_every_move_is_in_the_history_with_its_source(
        self, catalog: SqlCatalog, me: ProcessIdentity
    ) -> None:
        catalog.add_run("r1", "", CONFIG)
        assert catalog.claim_run("r1", me)
        catalog.move_run("r1", RunState.RUNNING)
        catalog.move_run("r1", RunState.FAILED, error="it broke", step=7)
        entries = [(one.text, one.step, dict(one.data)) for one in catalog.history("r1")]
        assert entries == [
            ("queued", 0, {"to": "queued"}),
            ("starting", 0, {"from": "queued", "to": "starting", "pid": me.pid}),
            ("running", 0, {"from": "starting", "to": "running"}),
            ("failed", 7, {"from": "running", "to": "failed", "error": "it broke"}),
        ]

    @pytest.mark.parametrize("target", sorted(set(RunState) - TRANSITIONS[RunState.QUEUED]))
    def test_a_move_that_the_table_lacks_changes_nothing(self, catalog: SqlCatalog, target: RunState) -> None:
        before = catalog.add_run("r1", "", CONFIG)
        with pytest.raises(TransitionError, match=f"r1 is queued and cannot become {target.value}"):
            catalog.move_run("r1", target)
        assert catalog.run("r1") == before
        assert len(catalog.history("r1")) == 1

    def test_moving_an_unknown_run_says_so(self, catalog: SqlCatalog) -> None:
        with pytest.raises(UnknownRunError):
            catalog.move_run("r1", RunState.STOPPED)

    def test_times_and_error_follow_the_states(self, catalog: SqlCatalog, me: ProcessIdentity) -> None:
        catalog.add_run("r1", "", CONFIG)
        catalog.claim_run("r1", me)
        assert catalog.run("r1").worker == me
        started = catalog.move_run("r1", RunState.RUNNING).started_at
        assert started is not None
        catalog.move_run("r1", RunState.PAUSED)
        assert catalog.move_run("r1", RunState.RUNNING).started_at == started
        lost = catalog.move_run("r1", RunState.LOST, error="gone")
        assert lost.ended_at is not None
        assert lost.ended_at >= started
        assert lost.error == "gone"
        again = catalog.move_run("r1", RunState.QUEUED)
        assert (again.ended_at, again.error, again.worker, again.heartbeat_at) == (None, "", None, None)

    def test_a_claim_succeeds_once(self, catalog: SqlCatalog, me: ProcessIdentity) -> None:
        catalog.add_run("r1", "", CONFIG)
        assert [catalog.claim_run("r1", me), catalog.claim_run("r1", me)] == [True, False]
        assert not catalog.claim_run("r2", me)
        assert catalog.run("r1").state is RunState.STARTING


class TestCommands:
    def test_a_command_is_pending_until_it_is_settled(self, catalog: SqlCatalog) -> None:
        catalog.add_run("r1", "", CONFIG)
        asked = catalog.add_command("r1", SET, requested_by="slider")
        assert catalog.pending_commands("r1") == [asked] == [catalog.command(asked.id)]
        previous = {"head.scale": 8.0, "head.temperature": 1.0}
        catalog.settle_command(asked.id, "applied", step=41, reason="", previous=previous)
        assert catalog.pending_commands("r1") == []
        settled = catalog.command(asked.id)
        assert settled == replace(asked, outcome="applied", step=41, previous=previous)
        entry = catalog.history("r1")[-1]
        assert (entry.kind, entry.step, entry.data["command_id"]) == ("command", 41, asked.id)

    def test_the_first_answer_counts(self, catalog: SqlCatalog) -> None:
        catalog.add_run("r1", "", CONFIG)
        asked = catalog.add_command("r1", SET, requested_by="test")
        catalog.settle_command(asked.id, "refused", step=None, reason="too late", previous={})
        catalog.settle_command(asked.id, "applied", step=3, reason="", previous={})
        assert catalog.command(asked.id).outcome == "refused"
        assert sum(one.kind == "command" for one in catalog.history("r1")) == 1

    def test_what_waits_when_a_run_ends_is_refused(self, catalog: SqlCatalog) -> None:
        catalog.add_run("r1", "", CONFIG)
        asked = catalog.add_command("r1", SET, requested_by="test")
        catalog.move_run("r1", RunState.STOPPED)
        answer = catalog.command(asked.id)
        assert (answer.outcome, answer.reason) == ("refused", "the run is stopped")

    def test_commands_come_in_the_order_of_asking(self, catalog: SqlCatalog) -> None:
        catalog.add_run("r1", "", CONFIG)
        requests = [ControlRequest(99, "pause"), ControlRequest(98, "resume"), ControlRequest(97, "stop")]
        for request in requests:
            catalog.add_command("r1", request, requested_by="test")
        assert [one.kind for one in catalog.commands("r1")] == ["pause", "resume", "stop"]
        ids = [one.id for one in catalog.pending_commands("r1")]
        assert ids == sorted(set(ids))

    def test_commands_to_nobody_and_of_nobody_say_so(self, catalog: SqlCatalog) -> None:
        with pytest.raises(UnknownRunError):
            catalog.add_command("r1", SET, requested_by="test")
        with pytest.raises(RequestError, match="No command 12"):
            catalog.command(12)

    def test_an_id_is_not_used_again_after_its_run_was_deleted(self, catalog: SqlCatalog) -> None:
        catalog.add_run("r1", "", CONFIG)
        first = catalog.add_command("r1", SET, requested_by="test")
        catalog.move_run("r1", RunState.STOPPED)
        catalog.delete_run("r1")
        catalog.add_run("r2", "", CONFIG)
        assert catalog.add_command("r2", SET, requested_by="test").id > first.id


def checkpoint(run_id: str, step: int, kind: str = "manual") -> CheckpointRecord:
    return CheckpointRecord(
        id=0,
        run_id=run_id,
        step=step,
        kind=kind,  # type: ignore[arg-type]
        path=f"checkpoints/{kind}-{step}",
        sha256="0" * 64,
        size_bytes=3_000_000_000,
        saved_at=datetime.now(UTC),
        scalars={"val_top1": 0.25},
    )


class TestCheckpointsAndHistory:
    def test_best_and_last_are_replaced_and_manual_ones_stay(self, catalog: SqlCatalog) -> None:
        catalog.add_run("r1", "", CONFIG)
        for step, kind in ((1, "manual"), (2, "last"), (3, "best"), (4, "last"), (5, "manual"), (6, "best")):
            stored = catalog.add_checkpoint(checkpoint("r1", step, kind))
            assert stored.id > 0
        found = [(one.step, one.kind) for one in catalog.checkpoints("r1")]
        assert found == [(1, "manual"), (4, "last"), (5, "manual"), (6, "best")]
        assert catalog.checkpoints("r1")[0] == replace(
            checkpoint("r1", 1), id=1, saved_at=catalog.checkpoints("r1")[0].saved_at
        )

    def test_a_checkpoint_of_nobody_says_so(self, catalog: SqlCatalog) -> None:
        with pytest.raises(UnknownRunError):
            catalog.add_checkpoint(checkpoint("r1", 1))
        with pytest.raises(UnknownRunError):
            catalog.add_history("r1", "notice", "hello", step=1, data={})

    def test_history_goes_on_after_an_id(self, catalog: SqlCatalog) -> None:
        catalog.add_run("r1", "", CONFIG)
        for number in range(5):
            catalog.add_history("r1", "notice", f"n{number}", step=number, data={"level": "info"})
        page = catalog.history("r1", limit=3)
        rest = catalog.history("r1", after_id=page[-1].id)
        assert [one.text for one in page + rest] == ["queued", "n0", "n1", "n2", "n3", "n4"]
        assert page[-1].data == {"level": "info"}


class TestLeases:
    def test_a_lease_has_one_living_holder(self, catalog: SqlCatalog, me: ProcessIdentity) -> None:
        other = replace(me, host="elsewhere")
        assert catalog.take_lease("cpu", me, ttl_s=60)
        assert not catalog.take_lease("cpu", other, ttl_s=60)
        assert catalog.take_lease("cpu", me, ttl_s=60), "its holder may renew it"
        assert catalog.take_lease("cuda:0", other, ttl_s=60), "another name is another lease"
        assert catalog.lease_holder("cpu") == me

    def test_a_lease_whose_time_is_up_is_free(self, catalog: SqlCatalog, me: ProcessIdentity) -> None:
        other = replace(me, host="elsewhere")
        assert catalog.take_lease("cpu", other, ttl_s=0.01)
        time.sleep(0.03)
        assert catalog.lease_holder("cpu") is None
        assert catalog.take_lease("cpu", me, ttl_s=60)

    def test_a_lease_of_a_dead_process_is_free_at_once(
        self, catalog: SqlCatalog, me: ProcessIdentity, dead: ProcessIdentity
    ) -> None:
        assert catalog.take_lease("cpu", dead, ttl_s=3600)
        assert catalog.lease_holder("cpu") is None
        assert catalog.take_lease("cpu", me, ttl_s=60)
        assert not catalog.take_lease("cpu", dead, ttl_s=60)

    def test_a_reused_pid_is_not_its_former_owner(self, catalog: SqlCatalog, me: ProcessIdentity) -> None:
        former = replace(me, started_at=me.started_at - 3600)
        assert catalog.take_lease("cpu", former, ttl_s=3600)
        assert catalog.take_lease("cpu", me, ttl_s=60)

    def test_only_its_holder_gives_a_lease_back(self, catalog: SqlCatalog, me: ProcessIdentity) -> None:
        catalog.take_lease("cpu", me, ttl_s=60)
        catalog.release_lease("cpu", replace(me, host="elsewhere"))
        assert catalog.lease_holder("cpu") == me
        catalog.release_lease("cpu", me)
        assert catalog.lease_holder("cpu") is None
        catalog.release_lease("cpu", me)


class TestChanges:
    def test_the_version_changes_when_somebody_else_writes(
        self, catalog: SqlCatalog, reopen: Callable[[], SqlCatalog]
    ) -> None:
        other = reopen()
        other.add_run("r1", "", CONFIG)
        before = catalog.data_version()
        assert catalog.data_version() == before
        other.add_command("r1", SET, requested_by="test")
        assert catalog.data_version() != before

    def test_what_one_writes_the_other_reads(
        self, catalog: SqlCatalog, reopen: Callable[[], SqlCatalog]
    ) -> None:
        other = reopen()
        record = catalog.add_run("r1", "", CONFIG)
        assert other.run("r1") == record
        other.move_run("r1", RunState.STOPPED)
        assert catalog.run("r1").state is RunState.STOPPED


class TestAutopilot:
    """One transaction: state, row of history and requests; or nothing."""

    WATCHING: ClassVar = {"phase": "watching", "acts": 0}
    ACTED: ClassVar = {"phase": "applying", "acts": 1}

    def turn(self, catalog: Catalog, before: Mapping[str, object] | None, **options: Any) -> bool:
        told: dict[str, Any] = {"text": "so", "step": 7, "data": {"act": 1}, **options}
        return catalog.turn_autopilot("a1", before, self.ACTED, **told)

    def rows(self, catalog: Catalog) -> list[tuple[int, str]]:
        return [(one.step, one.text) for one in catalog.history("a1") if one.kind == AUTOPILOT]

    def test_a_turn_is_kept_told_and_asked_for_at_once(self, catalog: SqlCatalog) -> None:
        catalog.add_run("a1", "first", CONFIG, summary={"step": 7})
        assert self.turn(catalog, None, requests=[SET])
        assert catalog.run("a1").summary == {"step": 7, AUTOPILOT: self.ACTED}
        assert self.rows(catalog) == [(7, "so")]
        (command,) = catalog.pending_commands("a1")
        assert (command.kind, dict(command.changes), command.requested_by) == ("set", SET.changes, AUTOPILOT)

    def test_who_saw_another_state_changes_nothing(self, catalog: SqlCatalog) -> None:
        catalog.add_run("a1", "first", CONFIG, summary={AUTOPILOT: self.WATCHING})
        for before in (None, self.ACTED):
            assert not self.turn(catalog, before, requests=[SET])
        assert catalog.run("a1").summary == {AUTOPILOT: self.WATCHING}
        assert not self.rows(catalog) and not catalog.commands("a1")
        assert self.turn(catalog, self.WATCHING)

    def test_the_workers_heartbeat_leaves_it_as_it_is(self, catalog: SqlCatalog) -> None:
        catalog.add_run("a1", "first", CONFIG)
        self.turn(catalog, None)
        before = catalog.run("a1")
        catalog.heartbeat("a1", {"step": 9})
        assert catalog.run("a1").summary == {"step": 9, AUTOPILOT: self.ACTED}
        assert before.heartbeat_at is None, "a turn is no sign of life of the worker"

    def test_a_run_that_failed_is_queued_in_the_same_transaction_or_nothing_happens(
        self, catalog: SqlCatalog
    ) -> None:
        catalog.add_run("a1", "first", CONFIG)
        walk(catalog, "a1", RunState.STARTING, RunState.RUNNING)
        with pytest.raises(TransitionError):
            self.turn(catalog, None, requests=[SET], requeue=True)
        assert AUTOPILOT not in catalog.run("a1").summary and not catalog.commands("a1")
        catalog.move_run("a1", RunState.FAILED, error="NaN")
        assert self.turn(catalog, None, requests=[SET], requeue=True)
        assert catalog.run("a1").state is RunState.QUEUED
        assert [one.kind for one in catalog.pending_commands("a1")] == ["set"]

    def test_there_must_be_such_a_run(self, catalog: SqlCatalog) -> None:
        with pytest.raises(UnknownRunError):
            self.turn(catalog, None)
