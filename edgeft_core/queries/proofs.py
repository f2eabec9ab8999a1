"""What can be tried on a run, and what was."""

from __future__ import annotations

from collections.abc import Sequence

from edgeft_core.diagnostics.causes import Cause
from edgeft_core.errors import RequestError
from edgeft_core.proof.kept import read_proofs
from edgeft_core.proof.record import OWN_CHANGES, Proof, Remedy
from edgeft_core.queries.diagnosis import case_of, diagnosis_of
from edgeft_core.queries.opened import catalog_of
from edgeft_core.settings import Home


def remedy_of_cause(cause: Cause) -> Remedy:
    """A cause's fix as something to be tried."""
    return Remedy(cause.id, dict(cause.fix.live), dict(cause.fix.restart), cause.fix.rewind)


def can_be_tried(cause: Cause) -> bool:
    """Whether its fix changes any setting."""
    return bool(cause.fix.live or cause.fix.restart)


def remedy_for(home: Home, run_id: str, cause: str = "") -> Remedy:
    """The fix of a cause that the diagnosis names; of the likeliest one whose fix can be tried where none is given.

    Raises:
        UnknownRunError: no such run.
        RequestError: the diagnosis does not name that cause, or no fix that could be tried.
    """
    causes = diagnosis_of(case_of(home, run_id)).causes
    found = next((one for one in causes if one.id == cause or (not cause and can_be_tried(one))), None)
    if found is not None:
        return remedy_of_cause(found)
    if cause:
        raise RequestError(f"The diagnosis does not name {cause}; it names {_named(causes)}.")
    raise RequestError(
        f"The diagnosis names no fix that could be tried (causes: {_named(causes)}); try settings of your own with "
        "--set KEY=VALUE."
    )


def proofs(home: Home, run_id: str) -> dict[str, Proof]:
    """All fixes that were tried, by cause. Raises UnknownRunError."""
    return read_proofs(home.run_folder(catalog_of(home).run(run_id).id))


def proof_to_apply(home: Home, run_id: str, cause: str = "") -> Proof:
    """The proof of a cause's fix; the latest verified one where no cause is given.

    Raises:
        UnknownRunError: no such run.
        RequestError: there is none; says how to make one.
    """
    found = proofs(home, run_id)
    if cause and cause in found:
        return found[cause]
    verified = sorted((one for one in found.values() if one.outcome == "verified"), key=lambda one: one.at)
    if not cause and verified:
        return verified[-1]
    tried = f"tried so far: {', '.join(found)}" if found else "nothing was tried so far"
    what = f"The fix of {cause} was not tried" if cause else "No fix was verified"
    choice = "--set KEY=VALUE" if cause == OWN_CHANGES else f"--cause {cause or 'ID'}"
    raise RequestError(f"{what} ({tried}); try it with: python -m edgeft_core prove {run_id} {choice}")


def _named(causes: Sequence[Cause]) -> str:
    return ", ".join(one.id for one in causes) or "none"
