"""Topic generations: the small number that Postgres keeps per Kafka topic id, part of every prediction's identity."""

from __future__ import annotations

from relearn.agents.kafka.topics import admin_client, topic_id
from relearn.agents.stores.postgres import Pool, translated
from relearn.schemas.settings import Settings

_REGISTER = """
INSERT INTO topics (name, topic_id, generation)
SELECT $1, $2, coalesce(max(generation) + 1, 0) FROM topics WHERE name = $1
ON CONFLICT DO NOTHING
"""


class Generations:
    """The generation of one topic as this process reads it; asked for anew after each assignment of partitions."""

    def __init__(self, settings: Settings, pool: Pool, topic: str) -> None:
        self._admin = admin_client(settings)
        self._pool = pool
        self._topic = topic
        self._known: dict[str, int] = {}
        self._epoch = -1
        self._current = 0

    async def current(self, epoch: int) -> int:
        """The generation of the topic as of assignment `epoch`. Postgres is asked only for a topic id not seen before.

        Raises:
            KafkaUnavailable, PostgresUnavailable: ask again.
            SetupError: the topic or the tables aren't there.
        """
        if epoch != self._epoch:
            found = await topic_id(self._admin, self._topic)
            if found not in self._known:
                self._known[found] = await register_generation(self._pool, self._topic, found)
            self._epoch, self._current = epoch, self._known[found]
        return self._current


async def register_generation(pool: Pool, topic: str, found_id: str) -> int:
    """The generation of `topic` with Kafka's id `found_id`; the next free number for an id not seen before."""
    with translated():
        while True:
            await pool.execute(_REGISTER, topic, found_id)
            known = await pool.fetchval(
                "SELECT generation FROM topics WHERE name = $1 AND topic_id = $2", topic, found_id
            )
            if known is not None:
                return int(known)
