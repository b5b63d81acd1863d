"""The `topics` table: the generation, a small number, of each Kafka topic id."""

from __future__ import annotations

from relearn.agents.stores.postgres import Pool, postgres_errors

_REGISTER = """
INSERT INTO topics (name, topic_id, generation)
SELECT $1, $2, coalesce(max(generation) + 1, 0) FROM topics WHERE name = $1
ON CONFLICT DO NOTHING
"""


async def register_generation(pool: Pool, topic: str, topic_id: str) -> int:
    """The generation of `topic` with Kafka's id `topic_id`; the next free number for an id not seen before.

    Raises:
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        while True:
            await pool.execute(_REGISTER, topic, topic_id)
            known = await pool.fetchval(
                "SELECT generation FROM topics WHERE name = $1 AND topic_id = $2", topic, topic_id
            )
            if known is not None:
                return int(known)


async def newest_generation(pool: Pool, topic: str) -> int:
    """The newest generation of `topic`; 0 before the first is registered.

    Raises:
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        return int(await pool.fetchval("SELECT coalesce(max(generation), 0) FROM topics WHERE name = $1", topic))
