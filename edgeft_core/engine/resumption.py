"""Going on from the last checkpoint, or setting out from another run's."""

from __future__ import annotations

from collections.abc import Iterator

from edgeft_core.engine.checkpoints import restore_session
from edgeft_core.engine.crew import Crew
from edgeft_core.engine.fork import is_fork, set_out
from edgeft_core.engine.newest import Search
from edgeft_core.engine.random_numbers import restore_random
from edgeft_core.engine.session import Session
from edgeft_core.events import Event, Notice, Past


def resumed(session: Session, crew: Crew, resume: bool, past: Past | None = None) -> Iterator[Event]:
    """Put the last whole checkpoint in force where the run is to go on from it; says from which step.

    One of what is no part of the run, as the journal tells, is none of its checkpoints, and is removed. A fork that
    has no checkpoint of its own yet sets out from the one that it was given.

    Raises:
        WeightsError: all checkpoints are damaged, or belong to another network.
    """
    search = Search(session.folder, past or Past())
    content = search.newest() if resume else None
    if search.foreign:
        crew.forget_later()
        files = ", ".join(path.name for path in search.foreign)
        yield Notice("info", 0, f"Removed, for the journal tells otherwise than these checkpoints: {files}.")
    if content is None and is_fork(session.folder):
        yield from set_out(session, crew)
        return
    if not resume:
        return
    if content is None:
        yield Notice("info", 0, "There is no checkpoint yet: the run starts from the beginning.")
        return
    restore_session(session, content)
    crew.load(content)
    restore_random(content["random"], session.device)
    for problem in search.damaged:
        yield Notice("warning", session.position.step, f"{problem} The run goes on from the one before it.")
    yield session.plan()
    yield Notice("info", session.position.step, f"The run goes on after step {session.position.step}.")
