"""`relearn produce` against a real broker: the acknowledged records are those in the topic."""

import asyncio
import uuid
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Message, TopicPartition

from relearn.agents.kafka.producer import OutgoingMessage
from relearn.schemas.errors import Refused
from relearn.schemas.messages.headers import header_text
from relearn.schemas.messages.ingest import CE_TYPE_MANY
from relearn.schemas.settings import Settings
from relearn.schemas.topics import INGEST_MAX_BYTES, topic_name
from relearn.scripts.client.migrations import run_migrations
from relearn.scripts.client.producer import Sender
from relearn.scripts.data.datasets import load_dataset
from tests.support.data.messages import decode_chunk
from tests.support.processes.commands import relearn
from tests.support.servers.topic_limits import set_max_bytes

TIMEOUT_S = 60


def read_ingest(settings: Settings) -> list[Message]:
    """All messages of the namespace's ingest topic."""
    topic = topic_name(settings.namespace, "ingest")
    consumer = Consumer(
        {
            "bootstrap.servers": ",".join(settings.kafka_brokers),
            "group.id": uuid.uuid4().hex,
            "enable.auto.commit": False,
        }
    )
    try:
        count = len(consumer.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions)
        ends = {p: consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=TIMEOUT_S) for p in range(count)}
        consumer.assign([TopicPartition(topic, p, low) for p, (low, _) in ends.items()])
        wanted = sum(high - low for low, high in ends.values())
        found: list[Message] = []
        while len(found) < wanted:
            got = consumer.consume(wanted - len(found), timeout=TIMEOUT_S)
            assert got, f"{len(found)} of {wanted} messages came"
            found += got
        return found
    finally:
        consumer.close()


class Fetched:
    """A message in the shape that the decoder reads."""

    def __init__(self, message: Message) -> None:
        self.topic, self.partition, self.offset = message.topic(), message.partition(), message.offset()
        self.timestamp, self.key, self.value = 0, message.key(), message.value()
        self.headers = message.headers() or ()


@pytest.mark.parametrize(
    "options",
    [
        ["--form", "list", "--compression", "zstd"],
        ["--form", "json", "--compression", "snappy"],
        ["--form", "named", "--batch", "50", "--compression", "lz4"],
        ["--batch", "20", "--noise", "0.1", "--seed", "1", "--compression", "gzip"],
    ],
)
def test_all_that_is_acknowledged_stands_in_the_topic(settings: Settings, options: list[str]) -> None:
    """Record for record, with CloudEvents headers, spread over partitions or not."""
    asyncio.run(run_migrations(settings))
    done = relearn(settings, "produce", "wine", *options)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "178 records sent, 178 acknowledged by the broker"
    assert done.stdout == ""
    wine = load_dataset("wine")
    messages = read_ingest(settings)
    records, rejects = decode_chunk([Fetched(message) for message in messages], wine.feature_names)
    assert not rejects
    assert sorted(str(subject) for subject in records.subjects) == sorted(wine.subjects)
    assert len(set(records.ids)) == 178
    headers = messages[0].headers() or []
    kind = "relearn.records.v1" if "--batch" in options else "relearn.record.v1"
    assert header_text(headers, "ce_type") == kind
    assert header_text(headers, "ce_source") == f"/{settings.namespace}/produce"


def test_a_count_ends_an_endless_stream_at_a_rate(settings: Settings, tmp_path: Path) -> None:
    """To the record, going round the file."""
    asyncio.run(run_migrations(settings))
    path = tmp_path / "few.csv"
    path.write_text("kind;a\nx;1\ny;2\n")
    done = relearn(settings, "produce", str(path), "--label", "kind", "--repeat", "--count", "101", "--rate", "1000")
    assert done.stderr.splitlines()[-1] == "101 records sent, 101 acknowledged by the broker"
    assert len(read_ingest(settings)) == 101


def test_what_can_not_be_sent_is_said_with_an_exit_code(settings: Settings, tmp_path: Path) -> None:
    """No topic yet, a bad file, no broker: one line each."""
    done = relearn(settings, "produce", "wine")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "run `relearn migrate`" in done.stderr
    asyncio.run(run_migrations(settings))
    path = tmp_path / "bad.csv"
    path.write_text("a,b\n1,2\n1,two\n")
    done = relearn(settings, "produce", str(path))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"relearn: {path}, line 3, column 2 (b): 'two' where a number belongs")
    done = relearn(settings, "produce", "wine", KAFKA_BROKERS="127.0.0.1:1")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "Kafka doesn't answer" in done.stderr


def test_what_the_broker_refuses_is_counted_and_said(settings: Settings) -> None:
    """A message above a limit that was lowered meanwhile; one above the limit of the start isn't tried."""
    asyncio.run(run_migrations(settings))
    sender = Sender(settings, topic_name(settings.namespace, "ingest"), source="/test")
    sender.check()
    set_max_bytes(settings, "ingest", 2_000)
    for size, records in ((5_000, 3), (10, 1)):
        sender.send(OutgoingMessage(b"x" * size, CE_TYPE_MANY, event_id="m", records=records))
        sender.flush()
    assert (sender.sent, sender.acknowledged, sender.acknowledged_messages) == (4, 1, 1)
    assert "too large" in str(sender.error)
    with pytest.raises(Refused, match="fewer records per message"):
        sender.send(OutgoingMessage(b"x" * INGEST_MAX_BYTES, CE_TYPE_MANY, event_id="m", records=3))


def test_messages_are_made_for_the_limit_that_the_topic_has_now(settings: Settings) -> None:
    """Small ones in batches that fit, and no larger one is sent."""
    asyncio.run(run_migrations(settings))
    set_max_bytes(settings, "ingest", 5_000)
    assert relearn(settings, "produce", "wine", "--count", "200").returncode == 0
    done = relearn(settings, "produce", "wine", "--batch", "178")
    assert (done.returncode, "bytes; the maximum is 5,000: send fewer records per message" in done.stderr) == (2, True)
    assert len(read_ingest(settings)) == 200
