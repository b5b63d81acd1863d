"""What a role that reads messages of producers is connected to: Postgres, a producer, dead letters, generations."""

from __future__ import annotations

from dataclasses import dataclass

from relearn.agents.kafka.dead_letter_sink import DeadLetterSink
from relearn.agents.kafka.generations import Generations
from relearn.agents.kafka.producer import KafkaProducer
from relearn.agents.stores.postgres import Pool, open_pool
from relearn.schemas.settings import Settings


@dataclass(frozen=True, slots=True)
class Connections:
    """The connections of one worker. `source`: the worker as a sender, in CloudEvents headers."""

    pool: Pool
    producer: KafkaProducer
    source: str
    dead_letters: DeadLetterSink
    generations: Generations

    async def close(self) -> None:
        """Flush the producer, and disconnect."""
        await self.producer.close()
        self.pool.terminate()


async def connect(settings: Settings, worker_id: str, *, agent: str, pool_size: int) -> Connections:
    """Connect a worker with the agent `agent`. The pool has `pool_size` connections."""
    pool = await open_pool(settings, size=pool_size)
    producer = KafkaProducer(settings, worker_id)
    source = f"/{settings.namespace}/{worker_id}"
    return Connections(
        pool,
        producer,
        source,
        DeadLetterSink(producer, settings.namespace, agent=agent, source=source),
        Generations(pool),
    )
