"""Topic generations: the small number that Postgres keeps per Kafka topic id, part of every prediction's identity."""

from __future__ import annotations

from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.topic_generations import register_generation


class Generations:
    """The generations of the topics that this process reads. Postgres is queried once for each topic id."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: dict[tuple[str, str], int] = {}

    async def of(self, topic: str, topic_id: str) -> int:
        """The generation of `topic` with Kafka's id `topic_id`; the next number for an id that was never seen.

        Raises:
            PostgresUnavailable: retryable.
        """
        if (topic, topic_id) not in self._known:
            self._known[topic, topic_id] = await register_generation(self._pool, topic, topic_id)
        return self._known[topic, topic_id]
