"""The summary's counts, each read back from where records and answers went: Kafka, Postgres, Redis."""

from __future__ import annotations

from dataclasses import dataclass

from relearn.agents.kafka.topics import admin_client
from relearn.agents.stores.live.layout import read_recent
from relearn.agents.stores.postgres import Pool, translated
from relearn.agents.stores.redis import open_redis
from relearn.agents.stores.training.champion import champion_activation
from relearn.agents.worker.heartbeat import read_workers
from relearn.schemas.errors import RedisUnavailable
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from relearn.scripts.client.lag import offsets, partitions
from relearn.scripts.client.producer import Sender
from relearn.scripts.demo.figures import Counted, Served
from relearn.scripts.demo.watch import Watch


@dataclass(frozen=True, slots=True)
class Before:
    """How things stood before the stream began: messages in ingest, records ever stored, dead letters ever."""

    messages: int
    records: int
    dead_letters: int


async def count_before(settings: Settings, pool: Pool) -> Before:
    """How things stand now.

    Raises:
        KafkaUnavailable, PostgresUnavailable: ask again.
    """
    return Before(await _messages(settings), *await _totals(pool))


async def count_after(settings: Settings, run: str, before: Before, sender: Sender, watch: Watch) -> list[Counted]:
    """What each place says of this run; the first is what was sent.

    Raises:
        KafkaUnavailable, PostgresUnavailable: ask again.
    """
    pool = watch.pool
    stored, dead_letters = await _totals(pool)
    with translated():
        rows: int = await pool.fetchval(
            "SELECT count(*) FROM predictions WHERE ingested_at >= to_timestamp($1) AND starts_with(id, $2)",
            watch.since_s,
            f"{run}-",
        )
    shown = await _shown(settings)
    counts = [
        Counted("sent", sender.messages, sender.sent),
        Counted("acknowledged by Kafka", sender.acknowledged_messages, sender.acknowledged),
        Counted("Kafka's end offsets, since", messages=await _messages(settings) - before.messages),
        Counted("rows of this run in Postgres", records=rows),
        Counted("Postgres' totals, since", records=stored - before.records),
        Counted("Redis' totals, since", records=None if shown is None else shown - before.records),
    ]
    dead = dead_letters - before.dead_letters
    return (
        [*counts, Counted("rows and dead letters, since", records=stored - before.records + dead)] if dead else counts
    )


async def count_answers(pool: Pool, run: str, sender: Sender) -> list[Counted]:
    """What the broker and Postgres say of the answers that a reviewer called like the run gave.

    Raises:
        PostgresUnavailable: ask again.
    """
    with translated():
        rows: int = await pool.fetchval("SELECT count(*) FROM corrections WHERE reviewer = $1", run)
    return [
        Counted("sent as feedback", sender.messages, sender.sent, "answers"),
        Counted("acknowledged by Kafka", sender.acknowledged_messages, sender.acknowledged, "answers"),
        Counted("rows in corrections", records=rows, of="answers"),
    ]


async def served(settings: Settings, pool: Pool) -> Served:
    """Whether every score worker answers by the newest activation of a champion.

    Raises:
        PostgresUnavailable: ask again.
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
    admin = admin_client(settings)
    places = await partitions(admin, [topic_name(settings.namespace, "ingest")])
    return sum((await offsets(admin, places, end=True)).values())


async def _totals(pool: Pool) -> tuple[int, int]:
    with translated():
        row = await pool.fetchrow(
            "SELECT (SELECT coalesce(sum(records), 0) FROM totals)::bigint,"
            " (SELECT coalesce(sum(records), 0) FROM dead_letter_totals)::bigint"
        )
    return row[0], row[1]


async def _shown(settings: Settings) -> int | None:
    redis = open_redis(settings)
    try:
        return (await read_recent(redis, settings.namespace, batches=1)).records
    except RedisUnavailable:
        return None
    finally:
        await redis.aclose()
