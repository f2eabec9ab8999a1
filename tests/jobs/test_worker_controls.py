"""Commands on their way from the catalog to the engine."""

from __future__ import annotations

import threading
import time

from edgeft_core.config import RunConfig
from edgeft_core.events import ControlRequest
from edgeft_core.jobs.worker.controls import STOP, CatalogControls
from edgeft_core.settings import Home
from edgeft_core.store import open_catalog
from edgeft_core.store.catalog import SqlCatalog


def ask(catalog: SqlCatalog, kind: str, **changes: float) -> int:
    assert kind in {"set", "stop", "pause"}
    request = ControlRequest(0, kind, changes)  # type: ignore[arg-type]
    return catalog.add_command("run", request, requested_by="test").id


def controls_of(home: Home, catalog: SqlCatalog) -> CatalogControls:
    catalog.add_run("run", "run", RunConfig())
    return CatalogControls(open_catalog(home.catalog_url), "run")


def test_each_request_is_handed_out_once_and_in_order(home: Home, catalog: SqlCatalog) -> None:
    controls = controls_of(home, catalog)
    controls.look()
    assert list(controls.poll(1)) == []
    first, second = ask(catalog, "set", scale=8.0), ask(catalog, "pause")
    controls.look()
    controls.look()
    assert list(controls.poll(1)) == [
        ControlRequest(first, "set", {"scale": 8.0}),
        ControlRequest(second, "pause", {}),
    ]
    assert list(controls.poll(1)) == []
    third = ask(catalog, "set", scale=9.0)  # the others are still without an outcome
    controls.look()
    assert [one.command_id for one in controls.poll(1)] == [third]


def test_a_request_made_before_the_worker_came_is_found(home: Home, catalog: SqlCatalog) -> None:
    controls = controls_of(home, catalog)
    asked = ask(catalog, "set", scale=8.0)
    controls.look()
    assert [one.command_id for one in controls.poll(1)] == [asked]


def test_an_interrupt_is_one_stop(home: Home, catalog: SqlCatalog) -> None:
    controls = controls_of(home, catalog)
    controls.interrupt()
    controls.interrupt()
    assert controls.stop_in_sight() == STOP
    assert list(controls.poll(1)) == [STOP]
    assert list(controls.poll(1)) == []


def test_waiting_ends_with_a_request(home: Home, catalog: SqlCatalog) -> None:
    with controls_of(home, catalog) as controls:
        later = threading.Timer(0.1, lambda: ask(catalog, "set", scale=8.0))
        later.start()
        begun = time.monotonic()
        controls.wait(60.0)
        later.join()
        assert time.monotonic() - begun < 30.0  # it did not sleep through
        assert len(controls.poll(1)) == 1


def test_a_stop_can_be_seen_without_taking_other_requests_away(home: Home, catalog: SqlCatalog) -> None:
    controls = controls_of(home, catalog)
    changed = ask(catalog, "set", scale=8.0)
    controls.look()
    assert controls.stop_in_sight() is None
    stop = ask(catalog, "stop")
    controls.look()
    assert controls.stop_in_sight() == ControlRequest(stop, "stop")
    assert [one.command_id for one in controls.poll(1)] == [changed, stop]
