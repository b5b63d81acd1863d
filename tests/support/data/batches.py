"""Record batches byte by byte, as a hostile producer would send them, and the request that sends one."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition

from relearn.agents.kafka.config import aiokafka_config
from relearn.schemas.settings import Settings
from relearn.schemas.topics import TopicName, topic_name

Row = tuple[bytes | None, bytes | None, Sequence[tuple[str, bytes | None]]]

_HEADER_BYTES = 61


def batch_of(rows: Sequence[Row], codec: int = 0, base_offset: int = 0) -> bytes:
    """A batch of records: key, value, headers."""
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 2**31 - 1)
    for offset, (key, value, headers) in enumerate(rows):
        assert builder.append(offset, 1000 + offset, key, value, list(headers))
    built = bytearray(builder.build())
    struct.pack_into(">q", built, 0, base_offset)
    return bytes(built)


def rewritten(batch: bytes, codec: int, records: bytes) -> bytes:
    """The batch with other bytes for its records, and a checksum that is right."""
    made = bytearray(batch[:_HEADER_BYTES]) + records
    struct.pack_into(">i", made, 8, len(made) - 12)
    struct.pack_into(">h", made, 21, codec)
    struct.pack_into(">I", made, 17, calc_crc32c(bytes(made[21:])))
    return bytes(made)


def records_of(batch: bytes) -> bytes:
    """The bytes of a batch after its header."""
    return batch[_HEADER_BYTES:]


def produce(settings: Settings, topic: TopicName, *batches: bytes, partition: int = 0) -> list[int]:
    """Send batches as they are; the error code of each, 0 where the broker has acknowledged it."""
    return asyncio.run(_produce(settings, topic_name(settings.namespace, topic), partition, batches))


async def _produce(settings: Settings, topic: str, partition: int, batches: Sequence[bytes]) -> list[int]:
    client = AIOKafkaClient(**aiokafka_config(settings))
    await client.bootstrap()
    try:
        await client.set_topics([topic])
        leader = client.cluster.leader_for_partition(TopicPartition(topic, partition))
        codes = []
        for batch in batches:
            request = ProduceRequest(None, -1, 30_000, [(topic, [(partition, batch)])])
            response = await client.send(leader, request)
            codes.append(response.topics[0][1][0][1])
        return codes
    finally:
        await client.close()
