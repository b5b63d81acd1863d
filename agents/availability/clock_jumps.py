"""Jumps of a server's clock, seen beside the monotonic clock of this process."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Shorter jumps are the corrections of a clock that is kept right.
LEAST_S = 5.0


class ClockJumps:
    """Compares the readings of a server's clock. `clock` is monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: tuple[float, float] | None = None

    def seen(self, server_s: float) -> tuple[float, float]:
        """The jump since the reading before, in seconds, and that reading; no jump at the first reading."""
        now_s = self._clock()
        own_s, before_s = self._last or (now_s, server_s)
        self._last = now_s, server_s
        jump_s = (server_s - before_s) - (now_s - own_s)
        return (jump_s if abs(jump_s) >= LEAST_S else 0.0), before_s
