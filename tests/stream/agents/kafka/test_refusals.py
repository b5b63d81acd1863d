"""What the broker refuses, on a real one: a letter goes to Postgres, a batch goes again message by message."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from relearn.agents.availability.retry import Retry
from relearn.agents.kafka.dead_letter_sink import DeadLetterSink
from relearn.agents.kafka.limits import MessageLimits
from relearn.agents.kafka.producer import KafkaProducer
from relearn.agents.stores.dead_letters import list_dead_letters, original_of
from relearn.agents.stores.postgres import Pool
from relearn.agents.worker.state import WorkerState
from relearn.schemas.errors import TooLarge
from relearn.schemas.messages.dead_letters import Cut, decode_dead_letter
from relearn.schemas.messages.records import Fault, Reject
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from tests.support.data.messages import FakeMessage
from tests.support.data.rows import messages
from tests.support.servers.topic_limits import drop_topic, set_max_bytes


@pytest.fixture
async def producer(settings: Settings) -> AsyncIterator[KafkaProducer]:
    producer = KafkaProducer(settings, "test", linger_ms=200)
    yield producer
    await producer.close()


async def sent(settings: Settings, pool: Pool, producer: KafkaProducer, *values: bytes) -> list[str]:
    """A dead letter for a message of each value, all settled; the notices of the worker afterwards.

    By a sink of its own, which knows no limit yet.
    """
    state = WorkerState("w", "score")
    retry = Retry(state, lambda: False)
    limits = MessageLimits(settings)
    sink = DeadLetterSink(producer, pool, limits, retry, settings.namespace, "score", "/test")
    rejects = [Reject(FakeMessage(value, offset=n), Fault(0, "text", "why")) for n, value in enumerate(values)]
    for receipt in await sink.send(rejects, 0):
        await receipt
    return [notice["detail"] for notice in state.notices.listed()]


def letters(settings: Settings) -> list[Any]:
    found = messages(settings, "dead-letters")
    return [decode_dead_letter(m.key(), m.value(), m.headers() or []) for m in found]


async def test_a_letter_is_cut_to_what_its_topic_takes(settings: Settings, pool: Pool, producer: KafkaProducer) -> None:
    """By the broker's limit of this moment, and not by that with which the topic was created."""
    set_max_bytes(settings, "dead-letters", 200_000)
    value = bytes(1_000_000)
    await sent(settings, pool, producer, value)
    (letter,) = letters(settings)
    assert letter.cut == Cut(len(value), hashlib.sha256(value).digest())
    assert await list_dead_letters(pool) == []


async def test_a_letter_that_the_broker_refuses_is_a_row_at_once(
    settings: Settings, pool: Pool, producer: KafkaProducer
) -> None:
    """Too large for any head; and read again, no second row."""
    set_max_bytes(settings, "dead-letters", 300)
    for _ in range(2):
        (notice,) = await sent(settings, pool, producer, b"x", b"y" * 1000)
        assert "dead letters are written to Postgres directly: Kafka: Broker: Message size too large" in notice
    rows = await list_dead_letters(pool)
    assert [(row.offset, row.reason) for row in rows] == [(1, "text"), (0, "text")]
    original = await original_of(pool, rows[0])
    assert original is not None
    assert (original.value, original.cut) == (b"", Cut(1000, hashlib.sha256(b"y" * 1000).digest()))
    assert letters(settings) == []


async def test_a_letter_without_a_topic_is_a_row_at_once(
    settings: Settings, pool: Pool, producer: KafkaProducer
) -> None:
    """A topic that was deleted takes nothing, and the record at fault holds up nothing."""

    drop_topic(settings, "dead-letters")
    await sent(settings, pool, producer, b"x")
    assert len(await list_dead_letters(pool)) == 1


async def test_messages_that_are_too_large_together_arrive_each(
    settings: Settings, pool: Pool, producer: KafkaProducer
) -> None:
    """The broker's limit concerns a batch. One message that is too large alone is refused alone."""
    set_max_bytes(settings, "feedback", 10_000)
    topic = topic_name(settings.namespace, "feedback")
    values = [b"%d" % n * 400 for n in range(10, 30)] + [bytes(20_000)]
    receipts = [await producer.send(topic, value, partition=0) for value in values]
    outcomes = await asyncio.gather(*receipts, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)] == [TooLarge]
    assert sorted(m.value() for m in messages(settings, "feedback")) == values[:-1]


async def test_a_limit_is_read_again_before_a_message_is_refused(settings: Settings, pool: Pool) -> None:
    limits, topic = MessageLimits(settings), topic_name(settings.namespace, "feedback")
    assert await limits.of(topic) == 1_048_588
    set_max_bytes(settings, "feedback", 5000)
    assert await limits.of(topic) == 1_048_588
    assert await limits.of(topic, max_age_s=0) == 5000
    with pytest.raises(TooLarge, match=f"a statement takes 5,001 bytes; topic {topic} takes at most 5,000"):
        await limits.check(topic, 5001, "a statement")


async def test_limits_of_a_broker_that_is_away_are_those_of_the_topics_made_by_migrate(settings: Settings) -> None:
    away = settings.model_copy(update={"kafka_brokers": ("127.0.0.1:1",)})
    assert await MessageLimits(away).of(topic_name(settings.namespace, "ingest")) == 8 * 1024 * 1024
