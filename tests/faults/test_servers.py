"""The fixture that other tests rely on: real servers that can be taken away and come back with what they held."""

from __future__ import annotations

import asyncpg
import pytest
import redis.asyncio
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from relearn.schemas.settings import Settings
from tests.support.servers.embedded import Servers

#: A record of Kafka's metadata log without a key, 4 bytes long: frame 1, type 20 (NoOpRecord), version 0, no fields.
EMPTY_RECORD = b"\x01\x08\x01\x14\x00\x00\x00"


async def test_postgres_comes_back_with_its_rows_after_kill_and_after_stop(servers: Servers) -> None:
    """What was committed is there after kill -9 and after an orderly stop; in between no server answers."""
    connection = await asyncpg.connect(servers.owner_dsn)
    await connection.execute("CREATE TABLE before_kill AS SELECT 7 AS n")
    await connection.close()
    for take_away in (servers.postgres.kill, servers.postgres.stop):
        take_away()
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncpg.connect(servers.dsn)
        servers.postgres.start()
        connection = await asyncpg.connect(servers.owner_dsn)
        assert await connection.fetchval("SELECT n FROM before_kill") == 7
        await connection.close()


async def test_valkey_comes_back_empty(servers: Servers) -> None:
    """Nothing may rely on it to remember."""
    async with redis.asyncio.from_url(servers.redis_url) as client:
        await client.set("key", "value")
    with servers.valkey.away():
        assert servers.valkey.pid is None
    async with redis.asyncio.from_url(servers.redis_url) as client:
        assert await client.get("key") is None


def test_kafka_comes_back_with_its_topics_after_kill(servers: Servers, settings: Settings) -> None:
    """The log survives kill -9; topics are never made by accident."""
    name = f"{settings.namespace}.kept"
    admin = AdminClient({"bootstrap.servers": servers.brokers})
    admin.create_topics([NewTopic(name, num_partitions=2)])[name].result(30)
    servers.kafka.kill()
    servers.kafka.start()
    assert len(AdminClient({"bootstrap.servers": servers.brokers}).list_topics(timeout=30).topics[name].partitions) == 2


def test_an_idle_broker_writes_nothing(servers: Servers, settings: Settings) -> None:
    """By default its controller appends an empty record twice a second, and more than a second passed by now."""
    name = f"{settings.namespace}.last"
    admin = AdminClient({"bootstrap.servers": servers.brokers})
    admin.create_topics([NewTopic(name)])[name].result(30)
    (log,) = (servers.data_dir / "kafka" / "data" / "__cluster_metadata-0").glob("*0.log")
    written = log.read_bytes()
    assert name.encode() in written
    assert EMPTY_RECORD not in written
