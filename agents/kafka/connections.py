"""What a role that reads messages of producers is connected to: Postgres, a producer, dead letters, generations."""

from __future__ import annotations

from dataclasses import dataclass

from relearn.agents.availability.retry import Retry
from relearn.agents.kafka.dead_letter_sink import DeadLetterSink
from relearn.agents.kafka.limits import MessageLimits
from relearn.agents.kafka.producer import KafkaProducer
from relearn.agents.stores.postgres import Pool, open_pool
from relearn.agents.stores.topic_generations import Generations
from relearn.schemas.settings import Settings


@dataclass(frozen=True, slots=True)
class Connections:
    """The connections of one worker. `source`: the worker as a sender, in CloudEvents headers."""

    pool: Pool
    producer: KafkaProducer
    source: str
    limits: MessageLimits
    dead_letters: DeadLetterSink
    generations: Generations

    async def close(self) -> None:
        """Flush the producer, and disconnect."""
        await self.producer.close()
        self.limits.close()
        self.pool.terminate()


async def connect(settings: Settings, worker_id: str, retry: Retry, *, agent: str, pool_size: int) -> Connections:
    """Connect a worker with the agent `agent`. The pool has `pool_size` connections."""
    pool = await open_pool(settings, size=pool_size)
    producer = KafkaProducer(settings, worker_id)
    source, limits = f"/{settings.namespace}/{worker_id}", MessageLimits(settings)
    return Connections(
        pool,
        producer,
        source,
        limits,
        DeadLetterSink(producer, pool, limits, retry, settings.namespace, agent, source),
        Generations(pool),
    )
