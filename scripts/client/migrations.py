"""Makes the topics and tables of a namespace, and brings older ones to this version."""

from __future__ import annotations

from relearn.agents.kafka.topics import admin_client, create_topics, topic_id_once_known
from relearn.agents.stores.migrations import migrate as migrate_tables
from relearn.agents.stores.postgres import open_pool
from relearn.agents.stores.topic_generations import register_generation
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name


async def run_migrations(settings: Settings) -> list[str]:
    """Returns one line for each thing made. Safe to run at any time, by several processes at once.

    Raises:
        KafkaUnavailable, PostgresUnavailable: a server is away.
        SetupError: what is there doesn't fit this version.
    """
    made = [f"table migration {name}" for name in await migrate_tables(settings)]
    made += [f"topic {name}" for name in await create_topics(settings)]
    ingest = topic_name(settings.namespace, "ingest")
    pool = await open_pool(settings, size=1)
    try:
        await register_generation(pool, ingest, await topic_id_once_known(admin_client(settings), ingest))
    finally:
        await pool.close()
    return made
