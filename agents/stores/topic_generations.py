"""The `topics` table: the generation of each Kafka topic id, a small number that is part of a prediction's identity.

A topic that was deleted and created again gets the next generation here; `agents.kafka.recreated_topics` notices it.
"""

from __future__ import annotations

from relearn.agents.stores.postgres import Pool, postgres_errors

# A second generation is a topic that was created again. Which of the former topic's offsets were not read is unknown
# here. Workers that were reading the former topic add what they know, by partition.
_REGISTER = """
WITH added AS (
    INSERT INTO topics (name, topic_id, generation)
    SELECT $1, $2, coalesce(max(generation) + 1, 0) FROM topics WHERE name = $1
    ON CONFLICT DO NOTHING
    RETURNING name, generation
)
INSERT INTO gaps (role, topic, topic_id, kafka_partition, why, position)
SELECT 'all', former.name, former.topic_id, -1, 'recreated', 0
FROM topics former JOIN added ON former.name = added.name AND former.generation = added.generation - 1
ON CONFLICT DO NOTHING
"""


async def register_generation(pool: Pool, topic: str, topic_id: str) -> int:
    """The generation of `topic` with Kafka's id `topic_id`; the next free number for an id not seen before.

    A number above 0 that is given for the first time is also written to the table `gaps`.

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


class Generations:
    """The generations of the topics that this process reads. Postgres is queried once for each topic id."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: dict[tuple[str, str], int] = {}

    async def of(self, topic: str, topic_id: str) -> int:
        """As `register_generation`.

        Raises:
            PostgresUnavailable: Retryable.
        """
        if (topic, topic_id) not in self._known:
            self._known[topic, topic_id] = await register_generation(self._pool, topic, topic_id)
        return self._known[topic, topic_id]


async def newest_generation(pool: Pool, topic: str) -> int:
    """The newest generation of `topic`; 0 before the first is registered.

    Raises:
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        return int(await pool.fetchval("SELECT coalesce(max(generation), 0) FROM topics WHERE name = $1", topic))
