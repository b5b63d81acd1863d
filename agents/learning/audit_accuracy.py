"""How often a model is right, as its audits tell while it runs: counted as they come, with an interval."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

from relearn.agents.learning.reviews import Statement
from relearn.schemas.identity import Place
from relearn.schemas.messages.feedback import Via

#: Of a standard normal variable 95 % lie within.
_Z = 1.959963984540054


class Interval(NamedTuple):
    """A share, and between which it lies with 95 % confidence."""

    share: float
    low: float
    high: float


class _Word(NamedTuple):
    sent: tuple[float, int, int]
    label: str | None
    via: Via
    right: bool


class AuditTally:
    """The audit reviews of one model among the statements so far, in whatever order they come: `n`, of them `right`.

    The same as counting `reviews` that came by audit; a statement costs the same however many there were before it.
    """

    def __init__(self) -> None:
        self.n = 0
        self.right = 0
        self._last: dict[Place, dict[str | None, _Word]] = {}

    def add(self, one: Statement) -> None:
        """Take one more statement into account."""
        words = self._last.setdefault(one.place, {})
        before = words.get(one.reviewer)
        if before is not None and before.sent > one.sent:
            return
        self._count(words, -1)
        words[one.reviewer] = _Word(one.sent, one.label, one.via, one.label == one.predicted)
        self._count(words, 1)

    def _count(self, words: dict[str | None, _Word], sign: int) -> None:
        latest = max((word for word in words.values() if word.label is not None), default=None)
        if latest is not None and latest.via == "audit":
            self.n += sign
            self.right += sign * latest.right


def wilson_interval(right: int, n: int) -> Interval | None:
    """The share right / n and its 95 % score interval (Wilson, 1927), which holds for few and for all or none.

    Returns:
        None where n is 0: nothing is known.

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
