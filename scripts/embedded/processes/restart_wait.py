"""How long to wait before a process that ended is restarted."""

from __future__ import annotations

from dataclasses import dataclass, field

from relearn.agents.availability.backoff import Backoff

FIRST_S = 0.5
LONGEST_S = 30.0
#: After a life of this length, the next end counts as the first.
STEADY_S = 60.0


@dataclass(slots=True)
class RestartWait:
    """The restarts of one process: each wait doubles, until the process has lived for `STEADY_S`."""

    backoff: Backoff = field(default_factory=lambda: Backoff(FIRST_S, LONGEST_S))

    def wait_s(self, lived_s: float) -> float:
        """The wait after an end, given how long the process lived, both in seconds."""
        if lived_s >= STEADY_S:
            self.backoff.reset()
        return self.backoff.next_s()
