"""`relearn migrate`: make the topics and tables of a namespace, and bring older ones to this version."""

from __future__ import annotations

import asyncio

import click

from relearn.agents.kafka.topics import admin_client, create_topics, topic_id_once_known
from relearn.agents.stores.generations import register_generation
from relearn.agents.stores.postgres import migrate as migrate_tables
from relearn.agents.stores.postgres import open_pool
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from relearn.scripts.client.environment import load_settings


async def run_migrations(settings: Settings) -> list[str]:
    """What was made: one line each. Safe to run at any time, by several at once.

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


@click.command()
def migrate() -> None:
    """Make the topics and tables of this namespace. Safe to run again."""
    for line in asyncio.run(run_migrations(load_settings())) or ["everything was there already"]:
        click.echo(line, err=True)
