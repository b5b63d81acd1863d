"""Watching rows appear in Postgres, from a connection that has nothing to do with those that write them."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from relearn.agents.stores.postgres import Pool, translated
from relearn.scripts.demo.figures import Accuracy
from relearn.scripts.demo.stream import Arrived

#: What isn't a row after this long is no longer looked for; the summary will tell.
GIVEN_UP_S = 60.0

# Per partition from the first record that is missed: a walk along the primary key.
_ROWS = """
SELECT r.kafka_partition, r.kafka_offset, r.record_index, r.label
FROM unnest($2::int[], $3::bigint[], $4::bigint[]) AS missed (partition, first, last)
CROSS JOIN LATERAL (
    SELECT kafka_partition, kafka_offset, record_index, label FROM predictions
    WHERE generation = $1 AND kafka_partition = missed.partition AND ingested_at >= to_timestamp($5)
        AND kafka_offset BETWEEN missed.first AND missed.last
) r
"""


@dataclass(slots=True)
class _Missed:
    arrived: Arrived
    indexes: set[int]


@dataclass(slots=True)
class Watch:
    """Figures of what has become of the records. `since_s` is a time before the first of them, epoch seconds."""

    pool: Pool
    generation: int
    since_s: float
    stored: int = 0
    given_up: int = 0
    accuracy: Accuracy = field(default_factory=Accuracy)
    latencies_s: deque[float] = field(default_factory=lambda: deque(maxlen=200_000))
    """Of each record: from its hand-over to the producer until this connection could read its row."""
    _missed: dict[tuple[int, int], _Missed] = field(default_factory=dict)

    async def look(self, arrived: deque[Arrived]) -> None:
        """Take what the broker has acknowledged, and see which of all those has become a row.

        Raises:
            PostgresUnavailable: look again.
        """
        while arrived:
            one = arrived.popleft()
            self._missed[one.partition, one.offset] = _Missed(one, set(range(len(one.labels))))
        if not self._missed:
            return
        spans = self._spans()
        columns = [list(spans), [low for low, _ in spans.values()], [high for _, high in spans.values()]]
        with translated():
            rows = await self.pool.fetch(_ROWS, self.generation, *columns, self.since_s)
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
            self.latencies_s.append(now_s - missed.arrived.sent_s)
            self.accuracy.add(missed.arrived.labels[index], label)
        for place in [p for p, missed in self._missed.items() if now_s - missed.arrived.sent_s > GIVEN_UP_S]:
            self.given_up += len(self._missed.pop(place).indexes)
