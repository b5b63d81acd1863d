"""The `deaths` table: what workers had in hand when they died. Rows are kept for a day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from relearn.agents.stores.postgres import Pool, postgres_errors

#: More rows than this in a day are not looked at.
_READ_MAX = 10_000
_ADD = """
INSERT INTO deaths (mark, agent, topic, topic_id, kafka_partition, first_offset, end_offset)
SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::int[], $6::bigint[], $7::bigint[])
ON CONFLICT DO NOTHING
"""
_RECENT = """
SELECT topic_id, kafka_partition, first_offset, end_offset, extract(epoch FROM now() - at)::float8 AS age_s,
    sum(end_offset - first_offset) OVER (PARTITION BY mark) = 1 AS alone
FROM deaths WHERE agent = $1 ORDER BY at DESC LIMIT $2
"""


class Death(NamedTuple):
    """Messages of one partition that were in hand at a death, `age_s` seconds ago.

    `alone`: it is one message, and no other one was in hand, of any partition.
    """

    topic_id: str
    partition: int
    first: int
    end: int
    age_s: float
    alone: bool


async def add_death(pool: Pool, mark: str, agent: str, spans: Sequence[tuple[str, str, int, int, int]]) -> None:
    """Add a death: topic, topic id, partition, first offset and end of what was in hand. Once per `mark`.

    Raises:
        PostgresUnavailable: retryable.
    """
    with postgres_errors():
        await pool.execute(_ADD, mark, agent, *map(list, zip(*spans, strict=True)))


async def recent_deaths(pool: Pool, agent: str) -> list[Death]:
    """The deaths of one day, the newest first. Older rows are deleted.

    Raises:
        PostgresUnavailable: retryable.
    """
    with postgres_errors():
        await pool.execute("DELETE FROM deaths WHERE at < now() - interval '1 day'")
        rows = await pool.fetch(_RECENT, agent, _READ_MAX)
    return [Death(*row) for row in rows]
