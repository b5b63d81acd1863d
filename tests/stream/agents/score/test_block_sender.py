"""Blocks that a real broker refuses: sent again in pieces, and a record that is too wide becomes a dead letter."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest

from relearn.agents.availability.retry import Retry
from relearn.agents.kafka.connections import Connections, connect
from relearn.agents.models.live import Served
from relearn.agents.models.reading import Reading
from relearn.agents.score.block_partition import BlockPartition
from relearn.agents.score.block_sender import BlockSender
from relearn.agents.score.score_records import blocks_of
from relearn.agents.worker.state import WorkerState
from relearn.schemas.messages.dead_letters import decode_dead_letter
from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.messages.predictions import decode_block
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from relearn.scripts.client.migrations import run_migrations
from relearn.scripts.dev.bench.workload import score_chunk
from tests.support.data.messages import FakeMessage
from tests.support.data.models import a_model
from tests.support.data.rows import messages
from tests.support.servers.topic_limits import set_max_bytes

STATE = WorkerState("w", "score")
NEVER = Retry(STATE, lambda: False)


@pytest.fixture
async def connections(settings: Settings) -> AsyncIterator[Connections]:
    await run_migrations(settings)
    opened = await connect(settings, "w", NEVER, agent="score", pool_size=1)
    yield opened
    await opened.close()


async def scored(settings: Settings, connections: Connections, values: list[bytes], d: int) -> None:
    """Score messages of these values, and settle what is sent."""
    predictions = topic_name(settings.namespace, "predictions")
    partition = BlockPartition(lambda: connections.producer.count_partitions(predictions), STATE.notices)
    sender = BlockSender(connections, NEVER, predictions, partition)
    chunk = [
        FakeMessage(value, offset=i, topic=topic_name(settings.namespace, "ingest")) for i, value in enumerate(values)
    ]
    served = Served(a_model(1, d=d), 1)
    limit_bytes = await sender.limit_bytes()
    scored = score_chunk(chunk, served)
    for block in blocks_of(scored, Reading(served), generation=0, scored_at=0.0, limit_bytes=limit_bytes):
        for receipt in await sender.send(block, chunk):
            await receipt


def offsets(settings: Settings) -> list[int]:
    found = [decode_block(message.value()) for message in messages(settings, "predictions")]
    return sorted(int(offset) for block in found for offset in block.offsets)


async def test_a_record_too_wide_for_its_prediction_is_a_dead_letter(
    settings: Settings, connections: Connections
) -> None:
    """131,072 features: the message fits `ingest`, its block doesn't fit `predictions`. Its neighbours' do."""
    d = 131_072 // 4
    wide = encode_record(np.ones(d), context="x" * 2000)
    wider = encode_record(np.ones(d), context="y" * 2000, record_id="é" * 128, subject="z" * 256, batch="b" * 256)
    set_max_bytes(settings, "predictions", 8 * d + 3000)
    await scored(settings, connections, [wide, wider, wide], d)
    assert offsets(settings) == [0, 2]
    (message,) = messages(settings, "dead-letters")
    letter = decode_dead_letter(message.key(), message.value(), message.headers())
    assert (letter.reason, letter.offset, letter.value) == ("too-large", 1, wider)
    assert f"takes at most {8 * d + 3000:,}" in letter.error


async def test_blocks_are_cut_to_a_limit_that_was_lowered_while_the_worker_ran(
    settings: Settings, connections: Connections
) -> None:
    """The worker learns that from the refusal, and ends neither itself nor the stream."""
    topic = topic_name(settings.namespace, "predictions")
    assert await connections.limits.of(topic) == 1_048_588
    set_max_bytes(settings, "predictions", 20_000)
    await scored(settings, connections, [encode_record(np.ones(4), context="x" * 2000)] * 100, 4)
    assert offsets(settings) == list(range(100))
    assert len(messages(settings, "predictions")) > 10
