"""The counts of records and reviews in each place (producer, Kafka, Postgres, Redis), and whether they agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from relearn.agents.kafka.topics import admin_client
from relearn.agents.stores.deployment import count_corrections, count_predictions, read_totals
from relearn.agents.stores.live.heartbeats import read_workers
from relearn.agents.stores.live.layout import read_recent
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.redis import open_redis
from relearn.agents.stores.training.champion import champion_activation
from relearn.schemas.errors import RedisUnavailable
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from relearn.scripts.client.lag import offsets, partitions
from relearn.scripts.client.producer import Sender
from relearn.scripts.demo.watch.rows import RowWatch


@dataclass(frozen=True, slots=True)
class Counted:
    """The count of one place, in records of the stream or in a reviewer's answers.

    None: the place has no such count, or doesn't answer.
    """

    where: str
    messages: int | None = None
    records: int | None = None
    of: Literal["records", "answers"] = "records"

    def agrees(self, sent: Counted) -> bool:
        """Whether the count equals what was sent."""
        if self.messages is None and self.records is None:
            return False
        return self.messages in {None, sent.messages} and self.records in {None, sent.records}


def disagreeing(counts: Sequence[Counted]) -> list[Counted]:
    """The counts that differ from the first of their kind, which is what was sent."""
    sent: dict[str, Counted] = {}
    return [count for count in counts if not count.agrees(sent.setdefault(count.of, count))]


@dataclass(frozen=True, slots=True)
class Served:
    """The activation that each score worker serves, and the newest one in Postgres; None: none."""

    activation: int | None
    workers: Mapping[str, int | None]

    @classmethod
    def of(cls, activation: int | None, heartbeats: Iterable[Mapping[str, Any]]) -> Served:
        """From the heartbeats of all workers."""
        return cls(activation, {one["id"]: one["activation"] for one in heartbeats if one["role"] == "score"})

    @property
    def agrees(self) -> bool:
        """Whether there are score workers, and all serve that activation."""
        return bool(self.workers) and set(self.workers.values()) == {self.activation}

    @property
    def text(self) -> str:
        """The workers by the activation that they serve."""
        by: dict[int | None, list[str]] = {}
        for name, activation in self.workers.items():
            by.setdefault(activation, []).append(name)
        served = [
            f"{' and '.join(names)} {'serves' if len(names) == 1 else 'serve'} activation {one}"
            for one, names in by.items()
        ]
        return "; ".join(served) or "no heartbeat of a score worker"


@dataclass(frozen=True, slots=True)
class Before:
    """The totals before the stream began: messages in ingest, records stored, dead letters."""

    messages: int
    records: int
    dead_letters: int


async def count_before(settings: Settings, pool: Pool) -> Before:
    """The totals now.

    Raises:
        KafkaUnavailable, PostgresUnavailable: retryable.
    """
    return Before(await _messages(settings), *await read_totals(pool))


async def count_after(settings: Settings, run_id: str, before: Before, sender: Sender, rows: RowWatch) -> list[Counted]:
    """The counts of this run by place; the first is what was sent.

    Raises:
        KafkaUnavailable, PostgresUnavailable: retryable.
    """
    pool = rows.pool
    stored, dead_letters = await read_totals(pool)
    stored_ids = await count_predictions(pool, since_s=rows.since_s, id_prefix=f"{run_id}-")
    shown = await _shown(settings)
    counts = [
        Counted("sent", sender.messages, sender.sent),
        Counted("acknowledged by Kafka", sender.acknowledged_messages, sender.acknowledged),
        Counted("Kafka's end offsets, since", messages=await _messages(settings) - before.messages),
        Counted("rows of this run in Postgres", records=stored_ids),
        Counted("Postgres' totals, since", records=stored - before.records),
        Counted("Redis' totals, since", records=None if shown is None else shown - before.records),
    ]
    dead = dead_letters - before.dead_letters
    return (
        [*counts, Counted("rows and dead letters, since", records=stored - before.records + dead)] if dead else counts
    )


async def count_reviews(pool: Pool, run_id: str, sender: Sender) -> list[Counted]:
    """The counts of the answers by the reviewer that has the run's id as its name.

    Raises:
        PostgresUnavailable: retryable.
    """
    rows = await count_corrections(pool, run_id)
    return [
        Counted("sent as feedback", sender.messages, sender.sent, "answers"),
        Counted("acknowledged by Kafka", sender.acknowledged_messages, sender.acknowledged, "answers"),
        Counted("rows in corrections", records=rows, of="answers"),
    ]


async def served(settings: Settings, pool: Pool) -> Served:
    """The activation that every score worker serves, and the newest activation of a champion.

    Raises:
        PostgresUnavailable: retryable.
    """
    newest = await champion_activation(pool)
    redis = open_redis(settings)
    try:
        return Served.of(newest, await read_workers(redis, settings.namespace))
    except RedisUnavailable:
        return Served(newest, {})
    finally:
        await redis.aclose()


async def _messages(settings: Settings) -> int:
    with admin_client(settings) as admin:
        places = await partitions(admin, [topic_name(settings.namespace, "ingest")])
        return sum((await offsets(admin, places, end=True)).values())


async def _shown(settings: Settings) -> int | None:
    redis = open_redis(settings)
    try:
        return (await read_recent(redis, settings.namespace, batches=1)).records
    except RedisUnavailable:
        return None
    finally:
        await redis.aclose()
