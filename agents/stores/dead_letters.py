"""The `dead_letters` table: one row per record and place, with the original message stored once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from relearn.agents.stores.postgres import Connection, Pool, postgres_errors
from relearn.schemas.messages.dead_letters import DeadLetter
from relearn.schemas.messages.feedback import feedback_key


@dataclass(frozen=True, slots=True)
class StoredLetters:
    """The number of inserted rows, and the total number of dead letters of each topic among them."""

    inserted: int
    totals: dict[str, int]


@dataclass(frozen=True, slots=True)
class DeadLetterRow:
    """One row without the original message, which `original_of` reads: it can be large, and shared by many rows."""

    id: int
    agent: str
    topic: str
    generation: int
    partition: int
    offset: int
    index: int
    reason: str
    error: str
    at: datetime
    redriven_at: datetime | None


@dataclass(frozen=True, slots=True)
class Original:
    """The message that held a dead letter's record. From agent `store`, it holds only that record."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, str]]


# Only the first record of each letter stores the original: 50,000 bad records of one message store it once.
_INSERT = """
WITH letters AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::int[], $7::bigint[],
        $8::float8[], $9::bytea[], $10::bytea[], $11::text[], $12::text[], $16::text[]) WITH ORDINALITY AS l
        (agent, reason, error, topic, generation, kafka_partition, kafka_offset, at, key, value, headers, feedback,
        feedback_scope, n)
), places AS (
    SELECT * FROM unnest($13::bigint[], $14::int[], $15::bool[]) AS p (n, record_index, first)
), inserted AS (
    INSERT INTO dead_letters (agent, topic, generation, kafka_partition, kafka_offset, record_index, reason, error,
        key, value, headers, at, feedback, feedback_scope)
    SELECT agent, topic, generation, kafka_partition, kafka_offset, record_index, reason, error,
        CASE WHEN first THEN key END, CASE WHEN first THEN value END,
        CASE WHEN first THEN headers::jsonb ELSE '[]' END, to_timestamp(at), feedback, feedback_scope
    FROM places JOIN letters USING (n)
    ORDER BY topic, generation, kafka_partition, kafka_offset, record_index
    ON CONFLICT DO NOTHING
    RETURNING topic
)
SELECT topic, count(*) AS records FROM inserted GROUP BY topic ORDER BY topic
"""
_ADD = """
INSERT INTO dead_letter_totals AS t (topic, records) SELECT * FROM unnest($1::text[], $2::bigint[])
ON CONFLICT (topic) DO UPDATE SET records = t.records + excluded.records
RETURNING topic, records
"""
_ROW = """
SELECT id, agent, topic, generation, kafka_partition, kafka_offset, record_index, reason, error, at, redriven_at
FROM dead_letters
"""


async def store_dead_letters(pool: Pool, letters: Sequence[DeadLetter]) -> StoredLetters:
    """Insert letters, one row per record, in one transaction; rows whose place is stored already change nothing.

    Raises:
        PostgresUnavailable: Retryable; nothing was stored, or all was and the answer was lost.
    """
    with postgres_errors():
        async with pool.acquire() as connection, connection.transaction():
            return await insert_dead_letters(connection, letters)


async def insert_dead_letters(connection: Connection, letters: Sequence[DeadLetter]) -> StoredLetters:
    """As `store_dead_letters`, within the caller's transaction."""
    if not letters:
        return StoredLetters(0, {})
    feedback = [feedback_key(letter.value) if letter.agent == "feedback" else None for letter in letters]
    places = [(n, index, i == 0) for n, letter in enumerate(letters, 1) for i, index in enumerate(letter.indexes)]
    rows = await connection.fetch(
        _INSERT,
        *([clean(text) for text in column] for column in zip(*map(_texts, letters), strict=True)),
        [letter.generation for letter in letters],
        [letter.partition for letter in letters],
        [letter.offset for letter in letters],
        [letter.at for letter in letters],
        [letter.key for letter in letters],
        [letter.value for letter in letters],
        [_headers_json(letter) for letter in letters],
        [key and key.id for key in feedback],
        *map(list, zip(*places, strict=True)),
        [key and key.scope for key in feedback],
    )
    if not rows:
        return StoredLetters(0, {})
    totals = await connection.fetch(_ADD, [row["topic"] for row in rows], [row["records"] for row in rows])
    return StoredLetters(sum(row["records"] for row in rows), dict(map(tuple, totals)))


def _texts(letter: DeadLetter) -> tuple[str, str, str, str]:
    return letter.agent, letter.reason, letter.error, letter.topic


def clean(text: str) -> str:
    """`text` with replacement characters for what Postgres can't store: NUL and lone surrogates."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _headers_json(letter: DeadLetter) -> str:
    return json.dumps(
        [[clean(name), clean((value or b"").decode("utf-8", "replace"))] for name, value in letter.original_headers]
    )


async def list_dead_letters(
    pool: Pool,
    *,
    limit: int = 100,
    before_id: int | None = None,
    agent: str | None = None,
    reason: str | None = None,
    is_open: bool | None = None,
) -> list[DeadLetterRow]:
    """The newest first; the next page begins with `before_id` = the last id. `is_open`: whether not redriven yet."""
    with postgres_errors():
        rows = await pool.fetch(
            _ROW + " WHERE ($2::bigint IS NULL OR id < $2) AND ($3::text IS NULL OR agent = $3)"
            " AND ($4::text IS NULL OR reason = $4) AND ($5::bool IS NULL OR $5 = (redriven_at IS NULL))"
            " ORDER BY id DESC LIMIT $1",
            limit,
            before_id,
            agent,
            reason,
            is_open,
        )
    return [DeadLetterRow(*row) for row in rows]


async def get_dead_letter(pool: Pool, letter_id: int) -> DeadLetterRow | None:
    """One row, or None."""
    with postgres_errors():
        row = await pool.fetchrow(_ROW + " WHERE id = $1", letter_id)
    return None if row is None else DeadLetterRow(*row)


async def open_ids(pool: Pool, *, reason: str | None, after_id: int = 0, limit: int | None = None) -> list[int]:
    """Ids of dead letters not redriven yet, the oldest first; the next page begins with `after_id` = the last id."""
    with postgres_errors():
        rows = await pool.fetch(
            "SELECT id FROM dead_letters WHERE redriven_at IS NULL AND ($1::text IS NULL OR reason = $1) AND id > $2"
            " ORDER BY id LIMIT $3",
            reason,
            after_id,
            limit,
        )
    return [row["id"] for row in rows]


async def lock_open(connection: Connection, ids: Sequence[int]) -> list[DeadLetterRow]:
    """Lock those of these letters that are not redriven yet, for the caller's transaction; the oldest first.

    Letters that another transaction has locked are left out.
    """
    rows = await connection.fetch(
        _ROW + " WHERE id = ANY ($1) AND redriven_at IS NULL ORDER BY id FOR UPDATE SKIP LOCKED", list(ids)
    )
    return [DeadLetterRow(*row) for row in rows]


async def original_of(pool: Pool, row: DeadLetterRow) -> Original | None:
    """The message that held the row's record; None: the row was deleted."""
    with postgres_errors():
        found = await pool.fetchrow(
            "SELECT key, value, headers FROM dead_letters WHERE topic = $1 AND generation = $2 AND kafka_partition = $3"
            " AND kafka_offset = $4 AND agent = $5 AND ($5 <> 'store' OR record_index = $6)"
            " ORDER BY value IS NULL, record_index LIMIT 1",
            row.topic,
            row.generation,
            row.partition,
            row.offset,
            row.agent,
            row.index,
        )
    return None if found is None else Original(found["key"], found["value"], [tuple(pair) for pair in found["headers"]])


async def mark_redriven(pool: Pool, letter_id: int, now_s: float) -> bool:
    """Mark a letter as redriven, after Kafka acknowledged it; False: marked before, or there is no such row."""
    with postgres_errors():
        marked = await pool.fetchval(
            "UPDATE dead_letters SET redriven_at = $2 WHERE id = $1 AND redriven_at IS NULL RETURNING id",
            letter_id,
            datetime.fromtimestamp(now_s, UTC),
        )
    return marked is not None
