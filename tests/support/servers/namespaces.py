"""Namespaces for tests: topics and tables of their own, made once and taken again while nothing is in them.

Making and dropping topics and tables costs more than most tests do. A namespace whose topics got no message is emptied
and taken again. Every other namespace is dropped.
"""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

import asyncpg
import redis

from relearn.agents.stores.postgres import quoted
from relearn.schemas.settings import Settings, read_settings
from relearn.schemas.topics import topic_specs
from relearn.scripts.client.migrations import run_migrations
from tests.support.servers.embedded import Servers

#: Enough for a key to go to one of several; tests of workers that share a topic ask for more.
PARTITIONS = 2

#: What a test could have changed in the schema itself: columns, constraints; and what `relearn migrate` notes there.
_SHAPE = """
SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM (
    SELECT concat_ws('|', c.relname, c.relkind, c.reloptions, a.attname, format_type(a.atttypid, a.atttypmod),
                     a.attnotnull, a.attidentity, pg_get_expr(d.adbin, d.adrelid)) AS line
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = $1::text::regnamespace
    UNION ALL
    SELECT concat_ws('|', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
    WHERE connamespace = $1::text::regnamespace
    UNION ALL
    SELECT concat_ws('|', number, name, digest, at) FROM migrations
    UNION ALL
    SELECT topics::text FROM topics
) AS shape
"""
_DAYS = """
SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE relnamespace = $1::text::regnamespace AND relkind = 'r'
"""
#: Those with rows, or with rows that were deleted: of most tests few. To truncate a table is to make its files again.
_USED = """
SELECT oid::regclass::text FROM pg_class
WHERE relnamespace = $1::text::regnamespace AND relkind = 'r' AND relname NOT IN ('migrations', 'topics')
AND pg_relation_size(oid) > 0
"""
_RESTART_SEQUENCES = """
SELECT setval(seqrelid, seqstart, false) FROM pg_sequence JOIN pg_class ON pg_class.oid = seqrelid
WHERE relnamespace = $1::text::regnamespace AND pg_sequence_last_value(seqrelid) IS NOT NULL
"""
_CONNECTIONS = (
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
    " WHERE application_name = $1 AND pid <> pg_backend_pid()"
)


class Namespaces:
    """The namespaces of one session's servers."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._empty: list[tuple[str, str]] = []
        """Names of those that are ready to be taken, with the shape of their schema."""
        self._shapes: dict[str, str] = {}

    def unused(self, directory: Path, partitions: int = PARTITIONS) -> Settings:
        """Settings of a namespace that was never used; nothing is made in it yet."""
        return self._settings(f"t{uuid.uuid4().hex[:8]}", directory, partitions)

    def fresh(self, directory: Path, partitions: int = PARTITIONS, **given: Any) -> Settings:
        """The same with other settings as well, its topics and tables made just now."""
        settings = self.unused(directory, partitions).model_copy(update=given)
        asyncio.run(run_migrations(settings))
        self._servers.wait_until_led(topic_specs(settings))
        return settings

    def take(self, directory: Path, partitions: int = PARTITIONS) -> Settings:
        """Settings of a namespace with topics and tables in which there is nothing."""
        if partitions == PARTITIONS and self._empty:
            name, self._shapes[name] = self._empty.pop()
            return self._settings(name, directory, partitions)
        settings = self.fresh(directory, partitions)
        if partitions == PARTITIONS:
            self._shapes[settings.namespace] = asyncio.run(_shape(settings))
        return settings

    def give_back(self, settings: Settings) -> None:
        """Empty it for the next test; drop its topics where a message is in them."""
        shape = self._shapes.pop(settings.namespace, None)
        topics = topic_specs(settings)
        if shape is None or self._servers.holds_messages(topics) or asyncio.run(_emptied(settings)) != shape:
            self._servers.drop_topics(spec.name for spec in topics)
            return
        with redis.Redis.from_url(settings.redis_url) as client:
            for pattern in (f"{settings.namespace}:*", f"relearn:{settings.namespace}:*"):
                if names := list(client.scan_iter(pattern, count=10_000)):
                    client.delete(*names)
        self._empty.append((settings.namespace, shape))

    def _settings(self, name: str, directory: Path, partitions: int) -> Settings:
        return read_settings(
            {
                **self._servers.environment,
                "RELEARN_NAMESPACE": name,
                "RELEARN_DATA_DIR": str(directory / "data"),
                "RELEARN_PARTITIONS": str(partitions),
            }
        )


async def as_owner(settings: Settings, statement: str) -> None:
    """Execute a statement that the application's role may not: one that changes the tables themselves."""
    connection = await _connected(settings)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _shape(settings: Settings) -> str:
    connection = await _connected(settings)
    try:
        return str(await connection.fetchval(_SHAPE, settings.namespace))
    finally:
        await connection.close()


async def _emptied(settings: Settings) -> str | None:
    """Empty every table and drop those of single days; the shape of what is left, None where there is no schema."""
    connection = await _connected(settings)
    name = settings.namespace
    try:
        await connection.execute(_CONNECTIONS.replace("$1", f"'{name}'"))
        if not await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", quoted(name)):
            return None
        if days := [row[0] for row in await connection.fetch(_DAYS, name)]:
            await connection.execute(f"DROP TABLE {', '.join(days)}")
        if used := [row[0] for row in await connection.fetch(_USED, name)]:
            await connection.execute(f"TRUNCATE {', '.join(used)} CASCADE")
        await connection.execute(_RESTART_SEQUENCES.replace("$1", f"'{name}'"))
        return str(await connection.fetchval(_SHAPE, name))
    finally:
        await connection.close()


async def _connected(settings: Settings) -> asyncpg.Connection:
    return await asyncpg.connect(settings.migration_dsn, server_settings={"search_path": quoted(settings.namespace)})
