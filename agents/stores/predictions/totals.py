"""What was really inserted, added to `totals` and `batches` in the same transaction as the rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from relearn.agents.stores.postgres import Connection


class Group(NamedTuple):
    """Rows of one partition and batch that were inserted, and the first and last time of ingestion, epoch seconds."""

    generation: int
    partition: int
    batch: str | None
    records: int
    first_s: float
    last_s: float


@dataclass(frozen=True, slots=True)
class PartitionTotal:
    """All that one ingest partition ever brought: rows stored, and rows skipped because they were too old."""

    generation: int
    partition: int
    records: int
    expired: int


@dataclass(frozen=True, slots=True)
class BatchTotal:
    """All that one batch ever brought, and when its first and last record were ingested, epoch seconds."""

    batch: str
    records: int
    first_s: float
    last_s: float


# Rows are locked in one order everywhere, so that two workers never wait for each other in a circle.
_TOTALS = """
INSERT INTO totals AS t (generation, kafka_partition, records, expired)
SELECT * FROM unnest($1::int[], $2::int[], $3::bigint[], $4::bigint[]) AS u (g, p, r, e) ORDER BY g, p
ON CONFLICT (generation, kafka_partition)
DO UPDATE SET records = t.records + excluded.records, expired = t.expired + excluded.expired
RETURNING generation, kafka_partition, records, expired
"""
_BATCHES = """
INSERT INTO batches AS b (batch, records, first_at, last_at)
SELECT u.b, u.r, to_timestamp(u.f), to_timestamp(u.l)
FROM unnest($1::text[], $2::bigint[], $3::float8[], $4::float8[]) AS u (b, r, f, l) ORDER BY u.b
ON CONFLICT (batch) DO UPDATE SET records = b.records + excluded.records,
    first_at = least(b.first_at, excluded.first_at), last_at = greatest(b.last_at, excluded.last_at)
RETURNING batch, records, extract(epoch FROM first_at)::float8 AS first_s, extract(epoch FROM last_at)::float8 AS last_s
"""


async def add_totals(
    connection: Connection, groups: Iterable[Group], expired: Mapping[tuple[int, int], int]
) -> list[PartitionTotal]:
    """Add to each partition what was inserted and what was expired; the partitions' totals after it."""
    records: dict[tuple[int, int], int] = defaultdict(int)
    for group in groups:
        records[group.generation, group.partition] += group.records
    places = sorted(records.keys() | expired.keys())
    if not places:
        return []
    rows = await connection.fetch(
        _TOTALS,
        [generation for generation, _ in places],
        [partition for _, partition in places],
        [records.get(place, 0) for place in places],
        [expired.get(place, 0) for place in places],
    )
    return [PartitionTotal(*row) for row in rows]


async def add_batches(connection: Connection, groups: Iterable[Group]) -> list[BatchTotal]:
    """Add to each batch what was inserted; the batches' totals after it."""
    found: dict[str, BatchTotal] = {}
    for group in groups:
        if group.batch is not None:
            found[group.batch] = _joined(found.get(group.batch), group, group.batch)
    if not found:
        return []
    given = list(found.values())
    rows = await connection.fetch(
        _BATCHES,
        [total.batch for total in given],
        [total.records for total in given],
        [total.first_s for total in given],
        [total.last_s for total in given],
    )
    return [BatchTotal(*row) for row in rows]


def _joined(before: BatchTotal | None, group: Group, batch: str) -> BatchTotal:
    if before is None:
        return BatchTotal(batch, group.records, group.first_s, group.last_s)
    return BatchTotal(
        batch,
        before.records + group.records,
        min(before.first_s, group.first_s),
        max(before.last_s, group.last_s),
    )
