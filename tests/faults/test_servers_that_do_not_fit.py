"""Servers that answer and don't fit: `migrate` changes what it can and refuses the rest, workers wait and tell why."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

from relearn.agents.kafka.admin import Admin
from relearn.agents.kafka.config import librdkafka_config
from relearn.agents.kafka.topic_fit import FoundTopic, read_topics
from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.settings import Settings
from relearn.schemas.topics import TopicName, topic_name, topic_specs
from tests.support.data import models
from tests.support.data.heartbeats import heartbeats
from tests.support.data.rows import query
from tests.support.processes.commands import relearn
from tests.support.processes.workers import workers
from tests.support.servers.embedded import Servers
from tests.support.waiting import eventually


def admin(settings: Settings) -> AdminClient:
    """A client, to be kept until its futures are done."""
    return AdminClient({**librdkafka_config(settings), "log_level": 0})


def make(settings: Settings, **partitions: int) -> None:
    """Topics as a broker makes those that a client asks for: with its own defaults. Names with underscores."""
    wanted = [
        NewTopic(topic_name(settings.namespace, name.replace("_", "-")), many, config={"max.message.bytes": "1048588"})
        for name, many in partitions.items()
    ]
    client = admin(settings)
    for future in client.create_topics(wanted).values():
        future.result(30)


def set_config(settings: Settings, topic: TopicName, name: str, value: str) -> None:
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic_name(settings.namespace, topic), incremental_configs=[entry])
    client = admin(settings)
    next(iter(client.incremental_alter_configs([resource]).values())).result(30)


def grow(settings: Settings, topic: TopicName, partitions: int) -> None:
    """As an operator does."""
    wanted = NewPartitions(topic_name(settings.namespace, topic), partitions)
    client = admin(settings)
    next(iter(client.create_partitions([wanted]).values())).result(30)


def found(settings: Settings) -> dict[str, FoundTopic]:
    topics = asyncio.run(read_topics(Admin(settings), [spec.name for spec in topic_specs(settings)]))
    return {name.partition(".")[2]: topic for name, topic in topics.items()}


def notices(settings: Settings, worker: str) -> dict[str, str]:
    return {one["code"]: one["detail"] for one in heartbeats(settings).get(worker, {}).get("notices", ())}


def test_topics_that_a_broker_made_by_itself_are_changed_to_fit(settings: Settings) -> None:
    """One partition, one megabyte, not compacted, stamped by the sender: each change is reported once."""
    make(settings, ingest=1, predictions=1, commands=1, model_updates=1, dead_letters=1)
    done = relearn(settings, "migrate")
    assert done.returncode == 0, done.stderr
    name = settings.namespace
    for line in (
        f"changed: topic {name}.predictions has 1 partition, now 8",
        f"changed: topic {name}.ingest has message.timestamp.type=CreateTime, now LogAppendTime",
        f"changed: topic {name}.model-updates has cleanup.policy=delete, now compact",
        f"changed: topic {name}.dead-letters has max.message.bytes=1048588, now ",
        f"changed: topic {name}.commands has retention.ms=604800000, now -1",
        f"topic {name}.feedback",
    ):
        assert line in done.stderr
    topics = found(settings)
    for spec in topic_specs(settings):
        topic = topics[spec.name.partition(".")[2]]
        assert topic.partitions == spec.partitions
        assert {key: topic.config[key] for key in spec.config} == spec.config
    assert "everything fits already" in relearn(settings, "migrate").stderr


def test_what_no_change_can_mend_is_refused_before_anything_is_changed(settings: Settings) -> None:
    """In one line, with exit code 2; after the operator's own act the same command succeeds."""
    make(settings, ingest=1, commands=3, model_updates=2)
    before = found(settings)
    done = relearn(settings, "migrate")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "commands has 3 partitions and must have 1" in done.stderr
    assert "model-updates has 2 partitions and must have 1" in done.stderr
    assert found(settings) == before
    names = [topic_name(settings.namespace, topic) for topic in ("commands", "model-updates")]
    client = admin(settings)
    for future in client.delete_topics(names).values():
        future.result(30)
    eventually(lambda: "commands" not in found(settings), "the topic is still there")
    done = relearn(settings, "migrate")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            lambda servers: {"POSTGRES_OWNER_DSN": servers.dsn},
            "belongs to the role relearn_owner, not to relearn_app: name the owner's address in RELEARN_POSTGRES_OWNER",
        ),
        (
            lambda servers: {"POSTGRES_DSN": servers.dsn + "?synchronous_commit=off"},
            "synchronous_commit is off for the role relearn_app",
        ),
        (
            lambda servers: {"POSTGRES_OWNER_DSN": servers.owner_dsn.replace("relearn_owner:", "relearn_owner:x")},
            "look at RELEARN_POSTGRES",
        ),
    ],
)
def test_a_database_that_does_not_fit_is_refused_in_one_line(
    migrated: Settings, servers: Servers, given: Callable[[Servers], dict[str, str]], words: str
) -> None:
    """Owners, durability, passwords."""
    done = relearn(migrated, "migrate", **given(servers))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert words in done.stderr


def test_a_role_that_may_not_create_a_schema_gets_the_remedy(settings: Settings, servers: Servers) -> None:
    """Before there are any tables."""
    done = relearn(settings, "migrate", POSTGRES_OWNER_DSN=servers.dsn)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert f"relearn_app may not create the schema {settings.namespace}" in done.stderr


def test_more_replicas_than_brokers_are_refused_before_anything_is_made(settings: Settings) -> None:
    """Kafka would refuse each topic; the tables would be there already."""
    done = relearn(settings, "migrate", REPLICATION="3")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "RELEARN_REPLICATION=3, and Kafka has 1 broker" in done.stderr
    assert found(settings) == {}


def produce(settings: Settings, partition: int, record_id: str) -> None:
    producer = Producer({**librdkafka_config(settings), "topic.metadata.refresh.interval.ms": 1000})
    value = encode_record(np.ones(4), record_id=record_id)
    topic = topic_name(settings.namespace, "ingest")
    producer.list_topics(topic, 30)
    producer.produce(topic, value, partition=partition)
    assert producer.flush(60) == 0


def stored(settings: Settings, record_id: str) -> list[int]:
    """The partitions of the rows of this record."""
    return [row[0] for row in query(settings, "SELECT kafka_partition FROM predictions WHERE id = $1", record_id)]


def test_workers_wait_for_servers_that_fit_and_follow_added_partitions(migrated: Settings) -> None:
    """One story, since workers take seconds to start: they wait, begin after `migrate`, and never start again.

    Then `ingest` grows: its new partitions are read, also before `predictions` has grown along.
    """
    models.publish(migrated, models.a_model(), 1)
    set_config(migrated, "ingest", "message.timestamp.type", "CreateTime")
    set_config(migrated, "dead-letters", "max.message.bytes", "1048588")
    with workers(migrated, score=1, store=1) as running:
        for worker, words in (("score-1", "message.timestamp.type=CreateTime"), ("store-1", "max.message.bytes")):
            eventually(lambda name=worker: "servers" in notices(migrated, name), f"{worker} has no notice")
            told = notices(migrated, worker)["servers"]
            assert words in told
            assert "run `relearn migrate`" in told
            assert heartbeats(migrated)[worker]["condition"] == "waiting for servers that fit"
        assert relearn(migrated, "migrate").returncode == 0
        for worker in running.values():
            worker.wait_for("worker_ready")
            assert worker.log.count("event=notice ") == 1
        produce(migrated, 1, "before")
        eventually(lambda: stored(migrated, "before") == [1], "not stored")

        grow(migrated, "ingest", 12)
        eventually(lambda: found(migrated)["ingest"].partitions == 12, "no partition was added")
        produce(migrated, 9, "between")
        eventually(lambda: stored(migrated, "between") == [9], lambda: running["score-1"].log[-3000:])
        eventually(lambda: "partitions" in notices(migrated, "score-1"), "score-1 has no notice")
        done = relearn(migrated, "migrate")
        assert f"changed: topic {migrated.namespace}.predictions has 8 partitions, now 12" in done.stderr
        produce(migrated, 9, "after")
        eventually(lambda: stored(migrated, "after") == [9], lambda: running["score-1"].log[-3000:])
        for number in range(12):
            produce(migrated, number, "last")
        eventually(lambda: sorted(stored(migrated, "last")) == list(range(12)), "not stored")
        eventually(
            lambda: produce(migrated, 0, "more") is None and notices(migrated, "score-1") == {}, "the notice stays"
        )
        assert all(worker.running and worker.starts == 1 for worker in running.values())
        assert "crashed" not in running["score-1"].log + running["store-1"].log
