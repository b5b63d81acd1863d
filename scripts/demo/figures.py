"""What the demo's figures mean: percentiles, accuracy, and whether the counts agree. Pure."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

RECENT = 500


def percentile(values: Iterable[float], share: float) -> float | None:
    """The smallest value that at least `share` of all are not above (nearest rank); None where there is none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


@dataclass(slots=True)
class Accuracy:
    """Predicted labels against the known ones: over all records, and over the last 500."""

    right: int = 0
    seen: int = 0
    _recent: deque[bool] = field(default_factory=lambda: deque(maxlen=RECENT))

    def add(self, known: str, predicted: str) -> None:
        """Count one record."""
        self.seen += 1
        self.right += known == predicted
        self._recent.append(known == predicted)

    @property
    def overall(self) -> float | None:
        """Share of right answers; None before the first."""
        return self.right / self.seen if self.seen else None

    @property
    def recent(self) -> float | None:
        """The same over the last 500 records."""
        return sum(self._recent) / len(self._recent) if self._recent else None


@dataclass(frozen=True, slots=True)
class Counted:
    """What one place says of this run. None: it doesn't count that, or doesn't answer."""

    where: str
    messages: int | None = None
    records: int | None = None

    def agrees(self, messages: int, records: int) -> bool:
        """Whether it says the same as what was sent."""
        if self.messages is None and self.records is None:
            return False
        return self.messages in {None, messages} and self.records in {None, records}


def disagreeing(counts: Sequence[Counted]) -> list[Counted]:
    """Those that don't say what the first one says, which is what was sent."""
    sent = counts[0]
    assert sent.messages is not None
    assert sent.records is not None
    return [count for count in counts[1:] if not count.agrees(sent.messages, sent.records)]


class Rate:
    """Records per second over the last few seconds. The clock is the caller's, in seconds."""

    def __init__(self, window_s: float = 3.0) -> None:
        self._window_s = window_s
        self._points: deque[tuple[float, int]] = deque()

    def update(self, now_s: float, total: int) -> float:
        """The rate, given the total now."""
        self._points.append((now_s, total))
        while len(self._points) > 2 and now_s - self._points[0][0] > self._window_s:
            self._points.popleft()
        began_s, before = self._points[0]
        return (total - before) / (now_s - began_s) if now_s > began_s else 0.0
