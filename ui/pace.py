"""How often pages look for news when many are open: seldom enough that they leave the processor to the training."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from typing import Final

MOST_SHARE: Final = 0.25
"""Share of one core that all pages together take, once they are so many. The server computes one page at a time, so
this also keeps it answering at once: nobody waits long where three quarters of the time nobody is served."""
_LEAST_SHARE: Final = 0.17  # between the two nothing changes: a timer that is set anew begins to count anew
LONGEST: Final = 8.0
_MEASURED_S: Final = 2.0
_SCATTER: Final = (0.85, 1.15)


class Pace:
    """Measures what this process computes, and stretches the time between two looks in proportion.

    Args:
        used_s: processor time of this process so far. clock: seconds that passed.
    """

    def __init__(
        self,
        used_s: Callable[[], float] = time.process_time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._used_s, self._clock = used_s, clock
        self._lock = threading.Lock()
        self._at, self._used = clock(), used_s()
        self._factor = 1.0

    def stretched(self, every_s: float) -> float:
        """Seconds until a fragment looks again that would look every ``every_s`` on a server of its own.

        While there are too many they are scattered: sessions that came together must not go on asking together.
        """
        factor = self.factor()
        return every_s if factor == 1.0 else every_s * factor * random.uniform(*_SCATTER)  # noqa: S311 - no secret

    def factor(self) -> float:
        """By how much intervals are stretched: 1 while few look, at most ``LONGEST``."""
        with self._lock:
            now = self._clock()
            if now - self._at >= _MEASURED_S:
                used = self._used_s()
                share = (used - self._used) / (now - self._at)
                self._at, self._used = now, used
                if not _LEAST_SHARE <= share <= MOST_SHARE:
                    wanted = self._factor * 2 * share / (_LEAST_SHARE + MOST_SHARE)
                    # Halfway: timers that run already keep their time, so the whole way would overshoot.
                    self._factor = min(LONGEST, max(1.0, round(math.sqrt(self._factor * wanted), 2)))
            return self._factor


PACE: Final = Pace()
"""Of this server, all sessions together."""
