"""Topic generations: the small number that Postgres keeps per Kafka topic id, part of every prediction's identity."""

from __future__ import annotations

from relearn.agents.kafka.topics import admin_client, topic_id
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.topic_generations import register_generation
from relearn.schemas.settings import Settings


class Generations:
    """The generation of one topic that this process reads, looked up after each assignment of partitions."""

    def __init__(self, settings: Settings, pool: Pool, topic: str) -> None:
        self._admin = admin_client(settings)
        self._pool = pool
        self._topic = topic
        self._known: dict[str, int] = {}
        self._epoch = -1
        self._current = 0

    async def current(self, epoch: int) -> int:
        """The generation of the topic as of assignment `epoch`. Postgres is queried for a new topic id only.

        Raises:
            KafkaUnavailable, PostgresUnavailable: retryable.
            SetupError: the topic or the tables aren't there.
        """
        if epoch != self._epoch:
            found = await topic_id(self._admin, self._topic)
            if found not in self._known:
                self._known[found] = await register_generation(self._pool, self._topic, found)
            self._epoch, self._current = epoch, self._known[found]
        return self._current

    def close(self) -> None:
        """Disconnect from Kafka."""
        self._admin.close()
