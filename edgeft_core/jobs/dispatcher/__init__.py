"""The dispatcher: one small detached process per home that moves the queue, whoever else comes and goes."""

from __future__ import annotations

import subprocess
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field

from edgeft_core import store
from edgeft_core.errors import HomeError
from edgeft_core.jobs.detach import reap_in_background, start_detached
from edgeft_core.settings import Home

LEASE = "dispatcher"
_BOOT_S = 10.0  # how long a dispatcher that lives may take until it holds the lease
_RETRY_S = 1.0  # between attempts when it ends at once
_LOG_LIMIT_BYTES = 1_000_000

_lock = threading.Lock()


@dataclass(frozen=True)
class _Start:
    process: subprocess.Popen[bytes]
    at: float = field(default_factory=time.monotonic)

    def is_fresh(self) -> bool:
        """Whether it is too early to start another one."""
        age_s = time.monotonic() - self.at
        return age_s < (_RETRY_S if self.process.poll() is not None else _BOOT_S)


_starts: dict[Home, _Start] = {}


def ensure(home: Home) -> None:
    """Start a dispatcher for this home unless one lives. Costs a look-up; safe to call often and from many threads.

    Too many are no harm: the lease in the catalog lets one work, the others leave at once.

    Raises:
        HomeError: the catalog cannot be opened, or the dispatcher's log not be written.
    """
    with closing(store.open_catalog(home.catalog_url)) as catalog:
        if catalog.lease_holder(LEASE) is not None:
            return
    with _lock:
        last = _starts.get(home)
        if last is None or not last.is_fresh():
            _starts[home] = _Start(_start(home))


def _start(home: Home) -> subprocess.Popen[bytes]:
    log = home.root / "dispatcher.log"
    try:
        if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
            log.write_bytes(b"")
        process = start_detached("edgeft_core.jobs.dispatcher", ["--home", str(home.root)], log=log)
    except OSError as error:
        raise HomeError(
            f"Nobody can be started to move the queue of {home.root} ({error.strerror or error}); "
            "once that is mended, looking at the runs starts one."
        ) from error
    reap_in_background(process)
    return process
