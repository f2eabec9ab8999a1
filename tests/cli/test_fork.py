"""``fork`` on the command line, on real runs: a run, a fork of it, and what both are said to be."""

from __future__ import annotations

import pytest

from edgeft_core.store.catalog import SqlCatalog
from tests.cli.conftest import Command

SMALL = (
    *("--preset", "smoke", "--set", "data.identities=10", "--set", "data.image_px=64"),
    *("--set", "threads=1", "--set", "backbone.weights=none"),
)


@pytest.mark.slow
def test_a_fork_of_a_finished_run_trains_on_and_says_where_it_comes_from(
    edgeft: Command, catalog: SqlCatalog
) -> None:
    assert edgeft("train", *SMALL, "--name", "first", "--wait").code == 0
    parent = catalog.run("first")
    steps = int(parent.summary["step"])
    refused = edgeft("fork", "first", "--json")
    assert refused.code == 2
    assert "nothing is left to train" in refused.json["error"]
    told = edgeft("fork", "first", "--set", "stages.1.epochs=3", "--wait", "--json").json
    assert told["state"] == "finished"
    assert told["fork"] == {"parent": parent.id, "name": "first", "step": steps, "kind": "last"}
    assert f"fork of first at step {steps}" in edgeft("show", "first-fork").out
    losses = edgeft("metrics", "first-fork", "--keys", "loss", "--json").json["series"]["loss"]
    assert losses["step"] == [steps + 1, steps + 2]
    told = edgeft("fork", "first", "--set", "stages.1.epochs=3", "--name", "more")
    assert told.out.strip() == catalog.run("more").id, "without waiting it prints the id"


def test_what_a_fork_cannot_do_is_a_sentence(edgeft: Command, catalog: SqlCatalog) -> None:
    assert edgeft("fork", "nobody", "--json").code == 2
    told = edgeft("fork", "nobody", "--set", "oops", "--json")
    assert told.code == 2
    assert "write key=value" in told.json["error"]
