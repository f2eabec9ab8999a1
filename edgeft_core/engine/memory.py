"""Out of memory: say which batch size would fit, by trying."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from edgeft_core.engine.device import describe
from edgeft_core.engine.leg import Leg
from edgeft_core.engine.lost_device import explain_loss
from edgeft_core.engine.memory_signs import is_out_of_memory, release
from edgeft_core.engine.session import Session
from edgeft_core.errors import OutOfMemoryError


@contextmanager
def memory_explained(session: Session, current_leg: Callable[[], Leg | None]) -> Iterator[None]:
    """Turn a failed allocation into an error that says which batch size would fit; name a device that is lost.

    Raises:
        OutOfMemoryError, DeviceLostError: in place of whatever torch raised.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise explain_loss(session.device, error) or error from None
        leg = current_leg()
        traceback.clear_frames(error.__traceback__)  # they hold the tensors that filled the memory
        fits = largest_batch(leg) if leg is not None else None
        raise OutOfMemoryError(_sentence(session, fits)) from None


def largest_batch(leg: Leg) -> int | None:
    """Halve the batch until a forward and backward pass fits; None where not even two images do."""
    session = leg.session
    rows = session.train_rows_N
    size = session.batch_size // 2
    while size >= 2:
        leg.stepper.optimiser.zero_grad(set_to_none=True)
        release(session.device)
        try:
            leg.stepper.try_pass(leg.feed.again(rows[:size], session.position.epoch), leg.settings)
        except (RuntimeError, MemoryError):  # short of memory, libraries fail in many words
            size //= 2
        else:
            return size
    return None


def _sentence(session: Session, fits: int | None) -> str:
    size = session.batch_size
    where = describe(session.device)
    if fits is None:
        return (
            f"A batch of {size} images does not fit into the memory of {where}, and no smaller one does: "
            "choose a smaller backbone or smaller images (data.image_px)."
        )
    return (
        f"A batch of {size} images does not fit into the memory of {where}; {fits} fit when tried. "
        f"Set data.batch_size={fits}."
    )
