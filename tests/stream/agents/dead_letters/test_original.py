"""A letter that holds a part of its message: redrive reads the message from Kafka, or gives the reason."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from dataclasses import replace
from typing import Any

import msgpack
from confluent_kafka import Producer

from relearn.agents.dead_letters.redrive import Redriven, redrive
from relearn.agents.kafka.config import librdkafka_config
from relearn.agents.kafka.limits import MessageLimits
from relearn.agents.kafka.producer import KafkaProducer
from relearn.agents.kafka.topics import admin_client, topic_id
from relearn.agents.stores.dead_letters import store_dead_letters
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.topic_generations import register_generation
from relearn.schemas.messages.dead_letter_cut import dead_letters
from relearn.schemas.messages.dead_letters import DeadLetter
from relearn.schemas.messages.records import Fault, Reject
from relearn.schemas.settings import Settings
from relearn.schemas.topics import TopicName, topic_name
from relearn.scripts.client.migrations import run_migrations
from tests.support.data.messages import FakeMessage
from tests.support.data.rows import messages
from tests.support.processes.commands import relearn
from tests.support.servers.topic_limits import delete_records, drop_topic

ROWS = 20_000
MANY = bytes(msgpack.packb({"n": ROWS, "features": [[1.0, 2.0]] * ROWS, "ids": [str(i) for i in range(ROWS)]}))
HEADERS = [("h", b"v")] * 100


def produced(settings: Settings, topic: TopicName, value: bytes) -> FakeMessage:
    """A message of partition 0 as a worker receives it."""
    found: list[Any] = []
    producer = Producer({**librdkafka_config(settings), "compression.type": "zstd", "message.max.bytes": 20_000_000})
    producer.produce(
        topic_name(settings.namespace, topic),
        value,
        b"k" * 5000,
        partition=0,
        headers=HEADERS,  # type: ignore[arg-type]
        on_delivery=lambda error, message: found.append((error, message)),
    )
    producer.flush()
    ((error, message),) = found
    assert error is None, error
    return FakeMessage(value, message.offset(), 0, message.topic(), key=b"k" * 5000, headers=HEADERS)


async def cut_letters(
    settings: Settings, pool: Pool, message: FakeMessage, *indexes: int, **changed: Any
) -> list[DeadLetter]:
    """Letters about records of `message`, without its value, stored."""
    with closing(admin_client(settings)) as admin:
        generation = await register_generation(pool, message.topic, await topic_id(admin, message.topic))
    rejects = [Reject(message, Fault(index, "text", "why")) for index in indexes]
    found = dead_letters(rejects, agent="score", generation=generation, now_s=1.0, limit_bytes=100_000)
    letters = [replace(one, **changed) for one in found]
    await store_dead_letters(pool, letters)
    return letters


async def redriven(settings: Settings, pool: Pool, *ids: int) -> Redriven:
    producer = KafkaProducer(settings, "test")
    try:
        return await redrive(settings, pool, producer, MessageLimits(settings), ids)
    finally:
        await producer.close()


async def test_the_record_of_a_cut_letter_comes_from_the_message_in_its_topic(settings: Settings, pool: Pool) -> None:
    """Alone, with the whole key and all headers; the letter shows what it holds, and what it doesn't."""
    message = produced(settings, "ingest", MANY)
    await cut_letters(settings, pool, message, 7, 19_999)
    facts = json.loads(relearn(settings, "dlq", "show", "2", "--json").stdout)
    digest = hashlib.sha256(MANY).hexdigest()
    assert facts["cut"] == {"value_bytes": len(MANY), "value_sha256": digest, "key_bytes": 5000, "headers": 100}
    shown = relearn(settings, "dlq", "show", "1").stdout
    assert f"redriving reads the message from {message.topic}, partition 0, offset 0" in shown
    assert await redriven(settings, pool, 1, 2) == Redriven(2, [])
    _, first, second = messages(settings, "ingest")
    assert [msgpack.unpackb(one.value())["id"] for one in (first, second)] == ["7", "19999"]
    assert first.key() == message.key
    assert [item for item in first.headers() or [] if item[0] == "h"] == HEADERS


async def test_a_letter_whose_message_is_larger_than_its_topic_takes_now_stays(settings: Settings, pool: Pool) -> None:
    """Compressed it fitted: 2 MB of zeros in some bytes. A message of 12 MB isn't even read."""
    await cut_letters(settings, pool, produced(settings, "feedback", bytes(2_000_000)), 0)
    await cut_letters(settings, pool, produced(settings, "feedback", bytes(12_000_000)), 0)
    refused = dict((await redriven(settings, pool, 1, 2)).refused)
    assert "the message takes 2,0" in refused[1]
    assert "takes at most 1,048,588" in refused[1]
    assert "the original of dead letter 2 is not read" in refused[2]


async def test_a_letter_whose_message_is_gone_says_so(settings: Settings, pool: Pool) -> None:
    """Deleted records, another message at its place, a partition that isn't there, a topic made again, and none."""
    message = produced(settings, "ingest", MANY)
    produced(settings, "ingest", b"next")
    (letter,) = await cut_letters(settings, pool, message, 0)
    others: list[dict[str, Any]] = [{"offset": 1}, {"partition": 99}, {"offset": 9}]
    await store_dead_letters(pool, [replace(letter, **other) for other in others])
    delete_records(settings, "ingest", 0, 1)
    gone = "its original is no longer in Kafka"
    refused = dict((await redriven(settings, pool, 1, 2, 3, 4)).refused)
    assert refused.pop(2) == "the message at its place is another one: its SHA-256 differs"
    assert {why.split(" (")[0] for why in refused.values()} == {gone}
    drop_topic(settings, "ingest")
    ((_, why),) = (await redriven(settings, pool, 1)).refused
    assert why.startswith(gone)
    assert "run `relearn migrate` first" in why
    await run_migrations(settings)
    ((_, why),) = (await redriven(settings, pool, 1)).refused
    assert why.endswith("the topic was deleted and created again since")


async def test_a_rejected_command_is_never_sent_again(settings: Settings, pool: Pool) -> None:
    """A program that writes to `dead-letters` would give commands in the name of the person who redrives."""
    topic = topic_name(settings.namespace, "commands")
    place = {"topic": topic, "generation": 0, "partition": 0, "offset": 0, "indexes": (0,)}
    value = msgpack.packb({"id": "forged", "command": "rollback"})
    forged = DeadLetter("retrain", "invalid", "why", **place, at=1.0, key=None, value=value)  # type: ignore[arg-type]
    await store_dead_letters(pool, [forged])
    done = relearn(settings, "dlq", "redrive", "--all", "--yes")
    assert (done.returncode, done.stderr.split(";")[0]) == (
        1,
        "dead letter 1 was refused: commands aren't sent again",
    )
    assert messages(settings, "commands") == []
