"""Matches sent records with the rows that appear in Postgres: latency, and accuracy against the known labels."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from relearn.agents.stores.deployment import stored_labels
from relearn.agents.stores.postgres import Pool
from relearn.scripts.demo.traffic.stream import Acknowledged

RECENT = 500
#: A record that is no row after this time is given up; the summary's counts then differ.
GIVEN_UP_S = 60.0


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
        """The share of right answers; None before the first record."""
        return self.right / self.seen if self.seen else None

    @property
    def recent(self) -> float | None:
        """The share over the last 500 records."""
        return sum(self._recent) / len(self._recent) if self._recent else None


@dataclass(slots=True)
class _Missed:
    message: Acknowledged
    indexes: set[int]


@dataclass(slots=True)
class RowWatch:
    """Figures of the stored records. `since_s` is a time before the first of them, epoch seconds."""

    pool: Pool
    generation: int
    since_s: float
    stored: int = 0
    accuracy: Accuracy = field(default_factory=Accuracy)
    latencies_s: deque[float] = field(default_factory=lambda: deque(maxlen=200_000))
    """Per record: from the hand-over to the producer until this connection could read its row."""
    _missed: dict[tuple[int, int], _Missed] = field(default_factory=dict)

    async def poll(self, acknowledged: deque[Acknowledged]) -> None:
        """Take acknowledged messages, and find which of their records have become rows.

        Raises:
            PostgresUnavailable: retryable.
        """
        while acknowledged:
            one = acknowledged.popleft()
            self._missed[one.partition, one.offset] = _Missed(one, set(range(len(one.labels))))
        if not self._missed:
            return
        spans = self._spans()
        rows = await stored_labels(self.pool, self.generation, spans, self.since_s)
        self._found(rows, time.time())

    @property
    def missing(self) -> int:
        """Acknowledged records that are not rows yet."""
        return sum(len(missed.indexes) for missed in self._missed.values())

    def _spans(self) -> dict[int, tuple[int, int]]:
        spans: dict[int, tuple[int, int]] = {}
        for partition, offset in self._missed:
            low, high = spans.get(partition, (offset, offset))
            spans[partition] = min(low, offset), max(high, offset)
        return spans

    def _found(self, rows: list[Any], now_s: float) -> None:
        for partition, offset, index, label in rows:
            missed = self._missed.get((partition, offset))
            if missed is None or index not in missed.indexes:
                continue
            missed.indexes.remove(index)
            if not missed.indexes:
                del self._missed[partition, offset]
            self.stored += 1
            self.latencies_s.append(now_s - missed.message.sent_s)
            self.accuracy.add(missed.message.labels[index], label)
        for place in [p for p, missed in self._missed.items() if now_s - missed.message.sent_s > GIVEN_UP_S]:
            del self._missed[place]
