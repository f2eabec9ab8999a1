"""Work beside a page that must not load torch: a module of ours as a process that prints JSON lines.

Every line is an object: ``{"progress": {"what", "done", "total"}}``, ``{"error": "..."}``, or what else it says.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from edgeft_core.config import RunConfig
from edgeft_core.errors import HomeError
from edgeft_core.settings import REPOSITORY, Home

_LINES_TOLD = 3
_ABANDONED_S = 24 * 3600.0


class SideProcess:
    """A process that was started. It ends with whoever started it. Not for use by several threads at once.

    Attributes:
        code: its exit code; None while it works, and where it was stopped.
        last_words: the end of what it logged, once it has ended.
    """

    def __init__(self, process: subprocess.Popen[bytes], said: Path, complained: Path, asked: Path) -> None:
        self._process: subprocess.Popen[bytes] | None = process
        self._files = (said, complained, asked)
        self._offset = 0
        self.code: int | None = None
        self.last_words = ""

    @classmethod
    def start(
        cls, home: Home, module: str, config: RunConfig, *, folder: str, options: Sequence[str] = ()
    ) -> SideProcess:
        """Start ``python -m MODULE --config FILE --home DIR OPTIONS``.

        Args:
            folder: below the cache, where its files lie meanwhile.

        Raises:
            HomeError: the home folder cannot be written.
        """
        place = home.ensure().cache / folder
        name = f"{os.getpid()}-{secrets.token_hex(4)}"
        # Files, not pipes: nobody must read for the process to go on.
        said, complained, asked = (place / f"{name}.{kind}" for kind in ("lines", "log", "config"))
        try:
            place.mkdir(exist_ok=True)
            _remove(_abandoned(place))
            asked.write_text(config.model_dump_json(), encoding="utf-8")
            command = ["-m", module, "--config", str(asked), "--home", str(home.root), *options]
            with said.open("wb") as output, complained.open("wb") as errors:
                process = _process(command, output.fileno(), errors.fileno())
        except OSError as error:
            raise HomeError(f"The check cannot write to {place}: {error.strerror or error}.") from error
        return cls(process, said, complained, asked)

    @property
    def running(self) -> bool:
        """Whether more is to come, as of the last :meth:`poll`."""
        return self._process is not None

    def poll(self) -> list[dict[str, Any]]:
        """What it said since the last call; cheap, call it as often as you like."""
        if self._process is None:
            return []
        self.code = self._process.poll()
        said = self._read()
        if self.code is not None:
            self._clean_up()
        return said

    def stop(self) -> None:
        """End it; nobody waits for the answer any more."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._clean_up()

    def _read(self) -> list[dict[str, Any]]:
        with self._files[0].open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [json.loads(line) for line in whole.splitlines()]

    def _clean_up(self) -> None:
        self._process = None
        with suppress(OSError), self._files[1].open(encoding="utf-8", errors="replace") as log:
            self.last_words = " ".join(line.strip() for line in deque(log, maxlen=_LINES_TOLD))
        _remove(self._files)


def _process(command: Sequence[str], output: int, errors: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *command],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONUTF8": "1"},
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # only Windows has windows to avoid
    )


def _abandoned(folder: Path) -> list[Path]:
    """Files of work whose page went away before it ended."""
    return [
        path
        for path in folder.glob("*-*.*")
        if path.is_file() and time.time() - path.stat().st_mtime > _ABANDONED_S
    ]


def _remove(files: Iterable[Path]) -> None:
    for path in files:
        with suppress(OSError):  # Windows keeps a file while anybody reads it; the next start tries again
            path.unlink(missing_ok=True)
