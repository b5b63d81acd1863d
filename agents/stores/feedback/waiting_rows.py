"""The `waiting_feedback` table: feedback whose prediction isn't stored yet, each row with the whole message."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from relearn.agents.availability.clock_jumps import LEAST_S, ClockJumps
from relearn.agents.stores.dead_letters import clean
from relearn.agents.stores.postgres import Connection, Pool, postgres_errors
from relearn.schemas.errors import BadMessage
from relearn.schemas.messages.feedback import Feedback, ReceivedFeedback, decode_feedback
from relearn.schemas.messages.records import RawMessage

#: One `look` reads at most twice these numbers of rows and bytes.
LOOK_ROWS = 500
LOOK_BYTES = 4 * 1024 * 1024

#: Maximum number of rows, and of bytes of their messages. Feedback beyond them becomes a dead letter at once.
WAITING_MAX = 100_000
WAITING_BYTES_MAX = 256 * 1024 * 1024

#: Position of a round through the table: since when the last row that was read waits, its feedback id and scope.
Cursor = tuple[datetime, str, str]
BEGIN: Cursor = (datetime.fromtimestamp(0, UTC), "", "")

_PUT = """
INSERT INTO waiting_feedback (feedback, scope, generation, sent_partition, sent_offset, sent_at, key, value, headers)
SELECT feedback, scope, generation, sent_partition, sent_offset, to_timestamp(sent_s), key, value, headers::jsonb
FROM unnest($1::text[], $2::int[], $3::int[], $4::bigint[], $5::float8[], $6::bytea[], $7::bytea[], $8::text[],
        $9::text[])
    WITH ORDINALITY AS u (feedback, generation, sent_partition, sent_offset, sent_s, key, value, headers, scope, n)
WHERE NOT EXISTS (SELECT FROM corrections c WHERE c.feedback = u.feedback AND c.scope = u.scope)
ORDER BY n
ON CONFLICT (feedback, scope) DO NOTHING
RETURNING sent_partition, sent_offset
"""
_LOOK = """
SELECT feedback, scope, generation, sent_partition, sent_offset, arrival, since, key, value, headers,
    extract(epoch FROM sent_at)::float8 AS sent_s, extract(epoch FROM clock_timestamp() - since)::float8 AS waited_s
FROM (
    SELECT *, sum(size) OVER (ORDER BY since {way}, feedback {way}, scope {way}) - size AS before
    FROM (
        SELECT *, octet_length(value) + coalesce(octet_length(key), 0) + octet_length(headers::text) AS size
        FROM waiting_feedback WHERE (since, feedback, scope) > ($3, $4, $5)
        ORDER BY since {way}, feedback {way}, scope {way} LIMIT $1
    ) AS window_of_rows
) AS measured
WHERE before < $2
ORDER BY since, feedback, scope
"""
_SIZE = "SELECT count(*), coalesce(sum(octet_length(value)), 0)::bigint FROM waiting_feedback"
_SHIFT = "UPDATE waiting_feedback SET since = since + make_interval(secs => $1) WHERE {which}"
_FUTURE = "UPDATE waiting_feedback SET since = to_timestamp($1) WHERE since > to_timestamp($1::float8 + $2::float8)"
_READ = """
SELECT u.n, w.value
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS u (feedback, scope, n)
JOIN waiting_feedback w ON w.feedback = u.feedback AND w.scope = u.scope
"""
_DELETE = """
DELETE FROM waiting_feedback w USING unnest($1::text[], $2::text[]) AS u (feedback, scope)
WHERE w.feedback = u.feedback AND w.scope = u.scope
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """One row: the message (a `RawMessage`), its feedback id and scope, and how long it has waited."""

    feedback: str
    scope: str
    generation: int
    waited_s: float
    topic: str
    partition: int
    offset: int
    arrival: int
    timestamp: int
    key: bytes | None
    value: bytes
    headers: Sequence[tuple[str, bytes]]


async def put_waiting(connection: Connection, statements: Sequence[ReceivedFeedback]) -> set[tuple[int, int]]:
    """Insert feedback that neither waits already nor is a correction; partition and offset of each inserted row.

    While WAITING_MAX rows or WAITING_BYTES_MAX wait, no more are inserted.
    """
    room = await _room(connection, len(statements)) if statements else 0
    statements = statements[:room]
    if not statements:
        return set()
    rows = await connection.fetch(
        _PUT,
        [one.feedback.id for one in statements],
        [one.generation for one in statements],
        [one.message.partition for one in statements],
        [one.message.offset for one in statements],
        [one.sent[0] for one in statements],
        [one.message.key for one in statements],
        [one.message.value for one in statements],
        [_headers_json(one.message) for one in statements],
        [one.feedback.scope for one in statements],
    )
    return {(row["sent_partition"], row["sent_offset"]) for row in rows}


async def _room(connection: Connection, wanted: int) -> int:
    """How many of `wanted` rows may be inserted."""
    rows, size = await connection.fetchrow(_SIZE)
    return 0 if size >= WAITING_BYTES_MAX else max(0, min(wanted, WAITING_MAX - rows))


async def follow_clock(connection: Connection, jumps: ClockJumps) -> None:
    """Let rows have waited as long after Postgres' clock has jumped as before."""
    now_s = await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
    jump_s, before_s = jumps.seen(now_s)
    if jump_s > 0:
        await connection.execute(_SHIFT.format(which="since <= to_timestamp($2)"), jump_s, before_s)
    elif jump_s < 0:
        await connection.execute(_SHIFT.format(which="since > to_timestamp($2)"), jump_s, now_s)
    # A clock set back while no worker ran.
    await connection.execute(_FUTURE, now_s, LEAST_S)


async def read_waiting(
    connection: Connection, feedback_ids: Sequence[str], scopes: Sequence[str]
) -> dict[int, Feedback | None]:
    """The statements that wait under these ids and scopes, by the position of the id; None: not readable any more."""
    found: dict[int, Feedback | None] = {}
    for row in await connection.fetch(_READ, feedback_ids, scopes):
        try:
            found[row["n"] - 1] = decode_feedback(row["value"])
        except BadMessage:  # stored by a version that accepted more labels
            found[row["n"] - 1] = None
    return found


async def look(connection: Connection, topic: str, after: Cursor) -> tuple[list[Kept], Cursor]:
    """Some of the waiting rows, in the order of arrival, and the position that the round has reached.

    The newest rows, whose predictions are the likeliest to be stored by now, and the next rows of a round through the
    whole table, so that every row is read in its turn. topic: the full name of the feedback topic.
    """
    bounds = (LOOK_ROWS, LOOK_BYTES)
    newest = await connection.fetch(_LOOK.format(way="DESC"), *bounds, *BEGIN)
    turn = await connection.fetch(_LOOK.format(way="ASC"), *bounds, *after)
    found = {(row["feedback"], row["scope"]): _kept(row, topic) for row in (*newest, *turn)}
    reached = (turn[-1]["since"], turn[-1]["feedback"], turn[-1]["scope"]) if turn else BEGIN
    return sorted(found.values(), key=lambda kept: kept.arrival), reached


async def drop_settled(connection: Connection, settled: Sequence[Kept]) -> None:
    """Delete rows that are corrections by now."""
    await connection.execute(_DELETE, *_keys(settled))


async def forget_waiting(pool: Pool, expired: Sequence[Kept]) -> None:
    """Delete rows whose dead letters the broker has acknowledged. Safe to repeat.

    Raises:
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        await pool.execute(_DELETE, *_keys(expired))


def _keys(rows: Sequence[Kept]) -> tuple[list[str], list[str]]:
    return [row.feedback for row in rows], [row.scope for row in rows]


def _kept(row: Any, topic: str) -> Kept:
    return Kept(
        feedback=row["feedback"],
        scope=row["scope"],
        generation=row["generation"],
        waited_s=row["waited_s"],
        topic=topic,
        partition=row["sent_partition"],
        offset=row["sent_offset"],
        arrival=row["arrival"],
        timestamp=round(1000 * row["sent_s"]),
        key=row["key"],
        value=row["value"],
        headers=tuple((name, b64decode(text)) for name, text in row["headers"]),
    )


def _headers_json(message: RawMessage) -> str:
    """Names as text, values as base64: jsonb holds no bytes, and a dead letter needs the exact values."""
    return json.dumps([[clean(name), b64encode(value or b"").decode()] for name, value in message.headers or ()])
