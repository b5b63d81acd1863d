"""Makes the topics and tables of a namespace, and brings older ones to this version."""

from __future__ import annotations

from collections.abc import Callable

from relearn.agents.kafka.admin import Admin
from relearn.agents.kafka.topic_fit import described, mend_topics, refuse_unmendable
from relearn.agents.kafka.topics import admin_client, create_topics, topic_id_once_known
from relearn.agents.stores.migrations import check_migrations
from relearn.agents.stores.migrations import migrate as migrate_tables
from relearn.agents.stores.postgres import open_pool
from relearn.agents.stores.redis_fit import check_redis
from relearn.agents.stores.topic_generations import register_generation
from relearn.schemas.errors import RedisUnavailable, SetupError
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name

#: The id of a topic of a Kafka that has none: sixteen zero bytes.
_NO_ID = "AAAAAAAAAAAAAAAAAAAAAA"


async def run_migrations(settings: Settings, on_line: Callable[[str], None] = lambda _: None) -> list[str]:
    """Compare the servers with what Relearn needs; make what is missing, and change what differs.

    Returns one line for each thing made or changed, and calls `on_line` with each as soon as it is done. All servers
    are compared before anything is changed. Safe to run at any time, by several processes at once.

    Raises:
        KafkaUnavailable, PostgresUnavailable: a server is away.
        SetupError: a server doesn't fit and can't be changed to fit.
    """
    with admin_client(settings) as admin:
        return await _run(admin, settings, on_line)


async def _run(admin: Admin, settings: Settings, on_line: Callable[[str], None]) -> list[str]:
    lines: list[str] = []

    def done(found: list[str]) -> None:
        for line in found:
            lines.append(line)
            on_line(line)

    await check_migrations(settings)
    await refuse_unmendable(admin, settings)
    try:
        done(await check_redis(settings))
    except RedisUnavailable as exc:
        done([f"not compared: {exc}"])
    done([f"table migration {name}" for name in await migrate_tables(settings)])
    done([f"topic {name}" for name in await create_topics(settings)])
    done(described(await mend_topics(admin, settings)))
    await refuse_unmendable(admin, settings)  # a broker's own defaults may not fit a topic that was just made
    ingest = topic_name(settings.namespace, "ingest")
    topic_id = await topic_id_once_known(admin, ingest)
    if topic_id == _NO_ID:
        raise SetupError(f"Kafka gives the topic {ingest} no id: Relearn needs Kafka 3.1 or later")
    pool = await open_pool(settings, size=1)
    try:
        await register_generation(pool, ingest, topic_id)
    finally:
        await pool.close()
    return lines
