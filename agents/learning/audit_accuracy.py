"""A model's accuracy while it runs: its audit reviews counted as they arrive, with a confidence interval."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

from relearn.agents.learning.reviews import Statement
from relearn.schemas.identity import Place
from relearn.schemas.messages.feedback import Via

#: 95 % of a standard normal variable lie between -_Z and _Z.
_Z = 1.959963984540054


class Interval(NamedTuple):
    """A share with its 95 % confidence interval."""

    share: float
    low: float
    high: float


class _Latest(NamedTuple):
    sent: tuple[float, int, int]
    label: str | None
    via: Via
    right: bool


class AuditTally:
    """Counts one model's audit reviews, from statements in any order: `n`, of which `right`.

    Gives the same counts as `reviews` restricted to audits, at a constant cost per statement.
    """

    def __init__(self) -> None:
        self.n = 0
        self.right = 0
        self._last: dict[Place, dict[str | None, _Latest]] = {}

    def add(self, one: Statement) -> None:
        """Count one more statement."""
        by_reviewer = self._last.setdefault(one.place, {})
        before = by_reviewer.get(one.reviewer)
        if before is not None and before.sent > one.sent:
            return
        self._count(by_reviewer, -1)
        by_reviewer[one.reviewer] = _Latest(one.sent, one.label, one.via, one.label == one.predicted)
        self._count(by_reviewer, 1)

    def _count(self, by_reviewer: dict[str | None, _Latest], sign: int) -> None:
        latest = max((one for one in by_reviewer.values() if one.label is not None), default=None)
        if latest is not None and latest.via == "audit":
            self.n += sign
            self.right += sign * latest.right


def wilson_interval(right: int, n: int) -> Interval | None:
    """The share right / n and its 95 % score interval (Wilson, 1927), valid also for small n and shares of 0 or 1.

    Returns:
        None where n is 0.

    Raises:
        ValueError: unless 0 ≤ right ≤ n.
    """
    if not 0 <= right <= n:
        raise ValueError(f"{right} of {n}")
    if n == 0:
        return None
    share, z2 = right / n, _Z * _Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    low = 0.0 if right == 0 else max(0.0, middle - half)
    high = 1.0 if right == n else min(1.0, middle + half)
    return Interval(share, low, high)
