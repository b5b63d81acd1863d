"""How long to wait before the next attempt. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

#: More doublings than this would only overflow: every longest wait is reached before.
_DOUBLINGS_MAX = 16


@dataclass(slots=True)
class Backoff:
    """Waits that double from `first_s` to `longest_s`, each with jitter, so that processes don't retry in step.

    `failures` counts the failures in a row.
    """

    first_s: float
    longest_s: float
    rng: random.Random = field(default_factory=random.Random)
    failures: int = 0

    def next_s(self) -> float:
        """The wait after one more failure, in seconds: between half of the doubled wait and all of it."""
        self.failures += 1
        whole = min(self.longest_s, self.first_s * 2.0 ** min(self.failures - 1, _DOUBLINGS_MAX))
        return whole * self.rng.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Begin with `first_s` again, after a success."""
        self.failures = 0
