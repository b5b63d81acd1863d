"""What the demo's figures mean: percentiles, accuracy, and whether the counts agree. Pure."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

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
    """What one place says of this run, in records of the stream or in a reviewer's answers.

    None: it doesn't count that, or doesn't answer.
    """

    where: str
    messages: int | None = None
    records: int | None = None
    of: Literal["records", "answers"] = "records"

    def agrees(self, sent: Counted) -> bool:
        """Whether it says the same as what was sent."""
        if self.messages is None and self.records is None:
            return False
        return self.messages in {None, sent.messages} and self.records in {None, sent.records}


def disagreeing(counts: Sequence[Counted]) -> list[Counted]:
    """Those that don't say what the first one of their kind says, which is what was sent."""
    sent: dict[str, Counted] = {}
    return [count for count in counts if not count.agrees(sent.setdefault(count.of, count))]


@dataclass(frozen=True, slots=True)
class Served:
    """Which activation each score worker answers by, and which is the newest in Postgres; None: none."""

    activation: int | None
    workers: Mapping[str, int | None]

    @classmethod
    def of(cls, activation: int | None, heartbeats: Iterable[Mapping[str, Any]]) -> Served:
        """From the heartbeats of all workers."""
        return cls(activation, {one["id"]: one["activation"] for one in heartbeats if one["role"] == "score"})

    @property
    def agrees(self) -> bool:
        """Whether there are score workers, and all answer by that activation."""
        return bool(self.workers) and set(self.workers.values()) == {self.activation}

    @property
    def words(self) -> str:
        """Who answers by which."""
        by: dict[int | None, list[str]] = {}
        for name, activation in self.workers.items():
            by.setdefault(activation, []).append(name)
        told = [
            f"{' and '.join(names)} {'serves' if len(names) == 1 else 'serve'} activation {one}"
            for one, names in by.items()
        ]
        return "; ".join(told) or "no score worker has been heard of"


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
