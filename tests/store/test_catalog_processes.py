"""Real processes on one catalog: one wins, nothing is lost, nobody is told that the database is locked."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edgeft_core.config import RunConfig
from edgeft_core.store import open_catalog

ROOT = Path(__file__).resolve().parents[2]

CLAIM = """
import json, sys
from edgeft_core.store import open_catalog
from edgeft_core.store.processes import current_process
catalog = open_catalog(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
me = current_process()
claims = [catalog.claim_run(f"r{number}", me) for number in range(20)]
leases = [catalog.take_lease(f"slot-{number}", me, ttl_s=600) for number in range(20)]
print(json.dumps([me.pid, claims, leases]), flush=True)
sys.stdin.readline()  # a lease is free once its holder is gone: stay until all have tried
catalog.close()
"""

WRITE = """
import sys
from edgeft_core.events import ControlRequest
from edgeft_core.store import open_catalog
catalog = open_catalog(sys.argv[1])
for number in range(100):
    asked = catalog.add_command("r0", ControlRequest(0, "set", {"head.scale": float(number)}), requested_by=sys.argv[2])
    catalog.settle_command(asked.id, "applied", step=number, reason="", previous={})
    catalog.heartbeat("r0", {sys.argv[2]: number})
catalog.close()
"""


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.slow
def test_of_eight_processes_exactly_one_claims_each_run_and_takes_each_lease(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    catalog = open_catalog(url)
    for number in range(20):
        catalog.add_run(f"r{number}", "", RunConfig())
    workers = [start(CLAIM, url) for _ in range(8)]
    try:
        assert [answer(worker) for worker in workers] == ["ready\n"] * 8
        for worker in workers:
            tell(worker)
        answers = [json.loads(answer(worker)) for worker in workers]
        for number in range(20):
            winners = [pid for pid, claims, _ in answers if claims[number]]
            assert len(winners) == 1
            record = catalog.run(f"r{number}")
            assert record.worker is not None
            assert record.worker.pid == winners[0]
            holders = [pid for pid, _, leases in answers if leases[number]]
            assert len(holders) == 1
            holder = catalog.lease_holder(f"slot-{number}")
            assert holder is not None
            assert holder.pid == holders[0]
        for worker in workers:
            tell(worker)
        assert [worker.wait(30) for worker in workers] == [0] * 8
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
        catalog.close()


@pytest.mark.slow
def test_four_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    catalog = open_catalog(url)
    catalog.add_run("r0", "", RunConfig())
    writers = [start(WRITE, url, f"w{number}") for number in range(4)]
    assert [writer.wait(120) for writer in writers] == [0] * 4
    for writer in writers:
        writer.communicate()
    commands = catalog.commands("r0")
    assert len(commands) == 400
    assert all(one.outcome == "applied" for one in commands)
    assert catalog.run("r0").summary == {f"w{number}": 99 for number in range(4)}
    assert sum(one.kind == "command" for one in catalog.history("r0")) == 400
    catalog.close()


@pytest.mark.slow
def test_processes_that_create_one_catalog_at_once_all_get_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new' / 'catalog.sqlite'}"
    code = "import sys; from edgeft_core.store import open_catalog; open_catalog(sys.argv[1]).close()"
    openers = [start(code, url) for _ in range(6)]
    ends = [opener.wait(60) for opener in openers]
    for opener in openers:
        opener.communicate()
    assert ends == [0] * 6
    catalog = open_catalog(url)
    assert catalog.runs() == []
    catalog.close()


def test_threads_share_one_catalog(tmp_path: Path) -> None:
    catalog = open_catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    catalog.add_run("r0", "", RunConfig())
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(20):
                catalog.heartbeat("r0", {f"t{number}": step})
                catalog.data_version()
                catalog.runs()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert catalog.run("r0").summary == {f"t{number}": 19 for number in range(6)}
    catalog.close()
