"""The `dead_letters` table: one row per record and place, with the original message stored once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from relearn.agents.stores.postgres import Connection, Pool, postgres_errors
from relearn.schemas.messages.dead_letters import Cut, DeadLetter
from relearn.schemas.messages.feedback import feedback_key

#: Maximum number of rows in one transaction: a message can hold a million bad records.
PIECE_ROWS = 20_000


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
    """The message that held a dead letter's record. From agent `store`, it holds only that record.

    `cut`: the letter holds a part of the message only; None: all of it.
    """

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, str]]
    cut: Cut | None = None


# Only the first record of each letter stores the original: 50,000 bad records of one message store it once.
_INSERT = """
WITH letters AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::int[], $7::bigint[],
        $8::float8[], $9::bytea[], $10::bytea[], $11::text[], $12::text[],
        $13::bool[], $14::bigint[], $15::bytea[], $16::int[], $17::int[], $21::text[]) WITH ORDINALITY AS l
        (agent, reason, error, topic, generation, kafka_partition, kafka_offset, at, key, value, headers, feedback,
        cut, value_bytes, value_sha256, key_bytes, header_count, feedback_scope, n)
), places AS (
    SELECT * FROM unnest($18::bigint[], $19::int[], $20::bool[]) AS p (n, record_index, first)
), inserted AS (
    INSERT INTO dead_letters (agent, topic, generation, kafka_partition, kafka_offset, record_index, reason, error,
        key, value, headers, at, feedback, feedback_scope, cut, value_bytes, value_sha256, key_bytes, header_count)
    SELECT agent, topic, generation, kafka_partition, kafka_offset, record_index, reason, error,
        CASE WHEN first THEN key END, CASE WHEN first THEN value END,
        CASE WHEN first THEN headers::jsonb ELSE '[]' END, to_timestamp(at), feedback, feedback_scope,
        first AND cut, CASE WHEN first THEN value_bytes END, CASE WHEN first THEN value_sha256 END,
        CASE WHEN first THEN key_bytes END, CASE WHEN first THEN header_count END
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


async def store_dead_letters(
    pool: Pool, letters: Sequence[DeadLetter], *, on_progress: Callable[[int], None] = lambda rows: None
) -> StoredLetters:
    """Insert letters, one row per record; rows whose place is stored already change nothing. May be repeated.

    At most PIECE_ROWS rows are one transaction; `on_progress` receives the number of rows of each.

    Raises:
        PostgresUnavailable: Retryable; the letters may be stored, or a part of them.
    """
    inserted, totals = 0, {}
    for piece in _pieces(letters):
        with postgres_errors():
            async with pool.acquire() as connection, connection.transaction():
                stored = await insert_dead_letters(connection, piece)
        inserted += stored.inserted
        totals.update(stored.totals)
        on_progress(sum(len(letter.indexes) for letter in piece))
    return StoredLetters(inserted, totals)


def _pieces(letters: Sequence[DeadLetter]) -> Iterator[list[DeadLetter]]:
    """The letters in pieces of at most PIECE_ROWS records. Of a letter in several pieces only the first has a copy."""
    piece: list[DeadLetter] = []
    room = PIECE_ROWS
    for letter in letters:
        indexes, rest = letter.indexes, letter
        while indexes:
            piece.append(replace(rest, indexes=indexes[:room]))
            indexes, room = indexes[room:], room - len(indexes[:room])
            rest = replace(letter, key=None, value=None, original_headers=(), cut=None)
            if not room:
                yield piece
                piece, room = [], PIECE_ROWS
    if piece:
        yield piece


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
        [letter.cut is not None for letter in letters],
        *map(list, zip(*(_cut_columns(letter.cut or Cut()) for letter in letters), strict=True)),
        *map(list, zip(*places, strict=True)),
        [key and key.scope for key in feedback],
    )
    if not rows:
        return StoredLetters(0, {})
    totals = await connection.fetch(_ADD, [row["topic"] for row in rows], [row["records"] for row in rows])
    return StoredLetters(sum(row["records"] for row in rows), dict(map(tuple, totals)))


def _texts(letter: DeadLetter) -> tuple[str, str, str, str]:
    return letter.agent, letter.reason, letter.error, letter.topic


def _cut_columns(cut: Cut) -> tuple[int | None, bytes | None, int | None, int | None]:
    return cut.value_bytes, cut.value_sha256, cut.key_bytes, cut.headers


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
    """The message that held the row's record, as a whole if any row of the message has it; None: no row is there."""
    with postgres_errors():
        found = await pool.fetchrow(
            "SELECT key, value, headers, cut, value_bytes, value_sha256, key_bytes, header_count FROM dead_letters"
            " WHERE topic = $1 AND generation = $2 AND kafka_partition = $3"
            " AND kafka_offset = $4 AND agent = $5 AND ($5 <> 'store' OR record_index = $6)"
            " ORDER BY value IS NULL, cut, octet_length(value) DESC, record_index LIMIT 1",
            row.topic,
            row.generation,
            row.partition,
            row.offset,
            row.agent,
            row.index,
        )
    if found is None:
        return None
    key, value, headers, is_cut, *cut = found
    return Original(key, value, [tuple(pair) for pair in headers], Cut(*cut) if is_cut else None)


async def mark_redriven(pool: Pool, letter_id: int, now_s: float) -> bool:
    """Mark a letter as redriven, after Kafka acknowledged it; False: marked before, or there is no such row."""
    with postgres_errors():
        marked = await pool.fetchval(
            "UPDATE dead_letters SET redriven_at = $2 WHERE id = $1 AND redriven_at IS NULL RETURNING id",
            letter_id,
            datetime.fromtimestamp(now_s, UTC),
        )
    return marked is not None
