"""The `waiting_feedback` table: feedback whose prediction isn't stored yet, each row with the whole message."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from relearn.agents.stores.dead_letters import clean
from relearn.agents.stores.postgres import Connection, Pool, postgres_errors
from relearn.schemas.messages.feedback import ReceivedFeedback
from relearn.schemas.messages.records import RawMessage

#: One `look` reads at most twice these numbers of rows and bytes.
LOOK_ROWS = 500
LOOK_BYTES = 4 * 1024 * 1024

#: Position of a round through the table: since when the last row that was read waits, and its feedback id.
Cursor = tuple[datetime, str]
BEGIN: Cursor = (datetime.fromtimestamp(0, UTC), "")

_PUT = """
INSERT INTO waiting_feedback (feedback, generation, sent_partition, sent_offset, sent_at, key, value, headers)
SELECT feedback, generation, sent_partition, sent_offset, to_timestamp(sent_s), key, value, headers::jsonb
FROM unnest($1::text[], $2::int[], $3::int[], $4::bigint[], $5::float8[], $6::bytea[], $7::bytea[], $8::text[])
    WITH ORDINALITY AS u (feedback, generation, sent_partition, sent_offset, sent_s, key, value, headers, n)
WHERE NOT EXISTS (SELECT FROM corrections c WHERE c.feedback = u.feedback)
ORDER BY n
ON CONFLICT (feedback) DO NOTHING
"""
_LOOK = """
SELECT feedback, generation, sent_partition, sent_offset, since, key, value, headers,
    extract(epoch FROM sent_at)::float8 AS sent_s, extract(epoch FROM clock_timestamp() - since)::float8 AS waited_s
FROM (
    SELECT *, sum(size) OVER (ORDER BY since {way}, feedback {way}) - size AS before
    FROM (
        SELECT *, octet_length(value) + coalesce(octet_length(key), 0) + octet_length(headers::text) AS size
        FROM waiting_feedback WHERE (since, feedback) > ($3, $4)
        ORDER BY since {way}, feedback {way} LIMIT $1
    ) AS window_of_rows
) AS measured
WHERE before < $2
ORDER BY since, feedback
"""
_DROP_SETTLED = """
DELETE FROM waiting_feedback w WHERE feedback = ANY($1::text[])
AND EXISTS (SELECT FROM corrections c WHERE c.feedback = w.feedback)
RETURNING feedback
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """One row: the message (a `RawMessage`), its feedback id, and how long it has waited."""

    feedback: str
    generation: int
    waited_s: float
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes
    headers: Sequence[tuple[str, bytes]]


async def put_waiting(connection: Connection, statements: Sequence[ReceivedFeedback]) -> int:
    """Insert feedback that neither waits already nor is a correction; the number of inserted rows."""
    if not statements:
        return 0
    status: str = await connection.execute(
        _PUT,
        [one.feedback.id for one in statements],
        [one.generation for one in statements],
        [one.message.partition for one in statements],
        [one.message.offset for one in statements],
        [one.sent[0] for one in statements],
        [one.message.key for one in statements],
        [one.message.value for one in statements],
        [_headers_json(one.message) for one in statements],
    )
    return int(status.rsplit(maxsplit=1)[-1])


async def look(connection: Connection, topic: str, after: Cursor) -> tuple[list[Kept], Cursor]:
    """Some of the waiting rows, in Kafka's order, and the position that the round has reached.

    The newest rows, whose predictions are the likeliest to be stored by now, and the next rows of a round through the
    whole table, so that every row is read in its turn. topic: the full name of the feedback topic.
    """
    bounds = (LOOK_ROWS, LOOK_BYTES)
    newest = await connection.fetch(_LOOK.format(way="DESC"), *bounds, *BEGIN)
    turn = await connection.fetch(_LOOK.format(way="ASC"), *bounds, *after)
    found = {row["feedback"]: _kept(row, topic) for row in (*newest, *turn)}
    reached = (turn[-1]["since"], turn[-1]["feedback"]) if turn else BEGIN
    return sorted(found.values(), key=lambda kept: (kept.timestamp, kept.partition, kept.offset)), reached


async def drop_settled(connection: Connection, feedback_ids: Sequence[str]) -> set[str]:
    """Delete the rows of these that are corrections by now; the ids of the deleted rows."""
    return {row["feedback"] for row in await connection.fetch(_DROP_SETTLED, feedback_ids)}


async def forget_waiting(pool: Pool, feedback_ids: Sequence[str]) -> None:
    """Delete rows whose dead letters the broker has acknowledged. Safe to repeat.

    Raises:
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        await pool.execute("DELETE FROM waiting_feedback WHERE feedback = ANY($1::text[])", feedback_ids)


def _kept(row: Any, topic: str) -> Kept:
    return Kept(
        feedback=row["feedback"],
        generation=row["generation"],
        waited_s=row["waited_s"],
        topic=topic,
        partition=row["sent_partition"],
        offset=row["sent_offset"],
        timestamp=round(1000 * row["sent_s"]),
        key=row["key"],
        value=row["value"],
        headers=tuple((name, b64decode(text)) for name, text in row["headers"]),
    )


def _headers_json(message: RawMessage) -> str:
    """Names as text, values as base64: jsonb holds no bytes, and a dead letter needs the exact values."""
    return json.dumps([[clean(name), b64encode(value or b"").decode()] for name, value in message.headers or ()])
