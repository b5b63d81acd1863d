"""Rows of `predictions` reached from a mark, or from the end of their partition, along the primary key.

The number of rows read of a partition has a fixed maximum.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from relearn.agents.learning.drift import REFERENCE, WINDOW
from relearn.agents.stores.postgres import Connection, force_index_scans

#: Maximum number of rows read of a partition: back to where an activation began, to its first, to its latest.
BEGINNING_AMONG = 5 * REFERENCE
FIRST_AMONG = 2 * REFERENCE
LATEST_AMONG = 2 * WINDOW

_TOTALS = """
SELECT generation, kafka_partition, records FROM totals
WHERE generation = (SELECT max(generation) FROM topics WHERE name = $1)
"""
# The limits are no parameters: the planner must know that they are small.
_BEGINNINGS = f"""
SELECT w.kafka_partition, before.kafka_offset, before.record_index, before.back, before.activation = $2 AS own
FROM unnest($3::int[]) AS w (kafka_partition)
CROSS JOIN LATERAL (
    SELECT activation FROM predictions WHERE generation = $1 AND kafka_partition = w.kafka_partition
    ORDER BY kafka_offset DESC, record_index DESC LIMIT 1
) newest
CROSS JOIN LATERAL (
    SELECT * FROM (
        SELECT kafka_offset, record_index, activation, row_number() OVER backwards AS back,
            lead(record_index) OVER backwards IS NULL AS oldest
        FROM predictions WHERE generation = $1 AND kafka_partition = w.kafka_partition
        WINDOW backwards AS (ORDER BY kafka_offset DESC, record_index DESC)
        ORDER BY kafka_offset DESC, record_index DESC LIMIT {BEGINNING_AMONG}
    ) latest
    WHERE activation <> $2 OR oldest OR back = {BEGINNING_AMONG}
    ORDER BY kafka_offset DESC, record_index DESC LIMIT 1
) before
WHERE newest.activation = $2
"""  # noqa: S608 - nothing but numbers of our own
_SAMPLE = """
SELECT w.kafka_partition, own.kafka_offset, own.record_index, own.nth, own.features, own.strings, own.margins,
    own.schema, own.model
FROM unnest($3::int[], $4::bigint[], $5::int[], $6::int[]) AS w (kafka_partition, after_offset, after_index, quota)
CROSS JOIN LATERAL (
    SELECT * FROM (
        SELECT kafka_offset, record_index, activation, features, strings, margins, schema, model,
            row_number() OVER (ORDER BY kafka_offset {order}, record_index {order}) AS nth
        FROM predictions WHERE generation = $1 AND kafka_partition = w.kafka_partition
            AND (kafka_offset, record_index) > (w.after_offset, w.after_index)
        ORDER BY kafka_offset {order}, record_index {order} LIMIT {among}
    ) found WHERE activation = $2 ORDER BY kafka_offset {order}, record_index {order} LIMIT w.quota
) own
"""
_FIRST = _SAMPLE.format(order="ASC", among=FIRST_AMONG)
_LATEST = _SAMPLE.format(order="DESC", among=LATEST_AMONG)

#: Rows by partition: place, features, strings, margins, version of the features, model; `nth` among those walked over.
Rows = Mapping[int, list[Any]]


class Mark(NamedTuple):
    """The position reached in a partition: this record, and the number of rows the partition had then.

    Offset -1: no record of the activation was found among these rows, or none is searched for there.
    """

    offset: int
    record_index: int
    records: int


class Answers(NamedTuple):
    """One activation's answers in one generation of the topic. None: the topic has no rows yet."""

    generation: int | None
    activation: int


async def count_rows(connection: Connection, ingest: str) -> tuple[int | None, dict[int, int]]:
    """The topic's newest generation, None before its first row, and the total number of rows of each partition."""
    rows = await connection.fetch(_TOTALS, ingest)
    return (rows[0]["generation"] if rows else None), {row["kafka_partition"]: row["records"] for row in rows}


async def beginnings(
    connection: Connection, answers: Answers, records: Mapping[int, int], partitions: Iterable[int]
) -> dict[int, Mark]:
    """Marks of those partitions that end in rows of the activation: right before these.

    Inside the caller's transaction, as are the other two. `records`: how many rows each partition has.
    """
    rows = await _walk(connection, _BEGINNINGS, *answers, list(partitions))
    return {p: Mark(offset, index - own, records[p] - back + (not own)) for p, offset, index, back, own in rows}


async def first_rows(
    connection: Connection, answers: Answers, marks: Mapping[int, Mark], wanted: Mapping[int, int]
) -> Rows:
    """The first `wanted` rows of the activation in each partition beyond its mark."""
    return await _sample(connection, _FIRST, answers, marks, wanted)


async def latest_rows(
    connection: Connection, answers: Answers, marks: Mapping[int, Mark], wanted: Mapping[int, int]
) -> Rows:
    """The latest `wanted` rows of the activation in each partition, none up to its mark."""
    return await _sample(connection, _LATEST, answers, marks, wanted)


async def _sample(
    connection: Connection, query: str, answers: Answers, marks: Mapping[int, Mark], wanted: Mapping[int, int]
) -> Rows:
    offsets, indexes = [marks[p].offset for p in wanted], [marks[p].record_index for p in wanted]
    rows = await _walk(connection, query, *answers, list(wanted), offsets, indexes, list(wanted.values()))
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row["kafka_partition"], []).append(row)
    return found


async def _walk(connection: Connection, query: str, *arguments: Any) -> list[Any]:
    await force_index_scans(connection)
    return list(await connection.fetch(query, *arguments))
