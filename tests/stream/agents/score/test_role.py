"""Score and store workers on the real servers: what goes in comes out as exactly one row or one dead letter."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import msgpack
import numpy as np
import pytest
from confluent_kafka import Producer

from relearn.agents.kafka.config import librdkafka_config
from relearn.agents.learning.predict import score
from relearn.schemas.messages.ingest import encode_record, encode_records
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from tests.support.data import models
from tests.support.data.rows import caught_up, committed_offsets, query, value
from tests.support.processes.workers import workers
from tests.support.servers.namespaces import Namespaces
from tests.support.waiting import eventually

MODEL = models.a_model(classes=("0", "1", "2"))


@pytest.fixture(scope="module")
def running(namespaces: Namespaces, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """One score and one store worker with a model, for all tests of this module."""
    settings = namespaces.fresh(tmp_path_factory.mktemp("score"), partitions=8)
    models.publish(settings, MODEL, 1)
    with workers(settings, score=1, store=1) as found:
        found["score-1"].wait_for("worker_ready")
        yield settings


def send(settings: Settings, *values: bytes | None, partition: int = 0, **config: object) -> None:
    producer = Producer({**librdkafka_config(settings), "message.max.bytes": 9_000_000, **config})
    for item in values:
        producer.produce(topic_name(settings.namespace, "ingest"), item, partition=partition)
    assert producer.flush(30) == 0


def rows(settings: Settings, subject: str, count: int) -> list[dict[str, object]]:
    """The rows of `subject`, once there are `count`."""
    sql = "SELECT * FROM predictions WHERE subject = $1 ORDER BY kafka_offset, record_index"
    eventually(lambda: len(query(settings, sql, subject)) >= count, f"{count} rows of {subject} never came")
    found = [dict(row) for row in query(settings, sql, subject)]
    assert len(found) == count
    return found


def a_subject() -> str:
    return f"s-{uuid.uuid4().hex}"


def test_a_row_says_what_was_asked_and_what_was_answered(running: Settings) -> None:
    subject, features = a_subject(), np.array([[1.0, -2.0, 3.5, 0.0]])
    send(running, encode_record(features[0], record_id="r-1", subject=subject, batch="b-1", context="look"))
    (row,) = rows(running, subject, 1)
    expected = score(MODEL, features)
    assert row["features"] == features[0].tolist()
    assert row["margins"] == expected.margins[0].tolist()
    assert row["label"] == MODEL.classes[expected.labels[0]]
    assert (row["id"], row["batch"], row["context"]) == ("r-1", "b-1", "look")
    assert (row["model"], row["activation"], row["confidence"]) == (1, 1, None)


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_every_compression_of_kafka_is_read(running: Settings, codec: str) -> None:
    subject = a_subject()
    send(running, *[encode_record(np.ones(4), subject=subject)] * 20, **{"compression.type": codec, "linger.ms": 50})
    assert len(rows(running, subject, 20)) == 20


def test_every_form_of_a_record_gives_the_same_row(running: Settings) -> None:
    subject = a_subject()
    names = MODEL.feature_names
    features = [0.5, 1.5, -2.5, 3.5]
    send(
        running,
        encode_record(np.array(features), subject=subject),
        encode_record(features, subject=subject),
        encode_record(dict(zip(names, features, strict=True)), subject=subject),
        f'{{"features": {features}, "subject": "{subject}"}}'.encode(),
        encode_records(np.array([features, features]), subjects=[subject, subject]),
        encode_records(np.array([features[::-1]]), names=names[::-1], subjects=[subject]),
        msgpack.packb({"n": 1, "features": [features], "subjects": [subject]}),
    )
    found = rows(running, subject, 8)
    assert len({(tuple(row["features"]), tuple(row["margins"]), row["label"]) for row in found}) == 1  # type: ignore[arg-type]


def test_bad_messages_become_dead_letters_and_their_neighbours_rows(running: Settings) -> None:
    subject = a_subject()
    before = value(running, "SELECT count(*) FROM dead_letters")
    good = encode_record(np.ones(4), subject=subject)
    bad = [
        None,
        b"",
        b"\xc1\x00rubbish",
        good[:-3],
        encode_record(np.ones(5)),
        encode_record([1.0, float("nan"), 1.0, 1.0]),
        msgpack.packb({"features": "text"}),
        encode_record(np.ones(4), subject="a\0b"),
        b"x" * 5_000_000,
        encode_record(np.array([1.7e308, -1.7e308, 1.7e308, 1.7e308])),
    ]
    send(running, *[item for pair in zip([good] * len(bad), bad, strict=True) for item in pair], good)
    rows(running, subject, len(bad) + 1)
    count = "SELECT count(*) FROM dead_letters"
    eventually(lambda: value(running, count) == before + len(bad), lambda: f"{value(running, count)} dead letters")
    found = query(running, "SELECT * FROM dead_letters ORDER BY id DESC LIMIT $1", len(bad))
    assert {bytes(row["value"]) if row["value"] is not None else None for row in found} == set(bad)
    assert all(row["agent"] == "score" and row["error"] for row in found)


def test_one_bad_record_of_many_goes_to_the_dead_letters_alone(running: Settings) -> None:
    subject = a_subject()
    matrix = np.ones((5, 4))
    matrix[3, 2] = np.inf
    send(running, encode_records(matrix, subjects=[subject] * 5))
    assert [row["record_index"] for row in rows(running, subject, 4)] == [0, 1, 2, 4]
    sql = "SELECT record_index, reason FROM dead_letters WHERE record_index = 3"
    eventually(lambda: len(query(running, sql)) == 1, "its dead letter never came")
    assert query(running, sql)[0]["reason"] == "not-finite"


def test_a_producers_clock_of_1970_changes_nothing(running: Settings) -> None:
    subject = a_subject()
    producer = Producer(librdkafka_config(running))
    topic = topic_name(running.namespace, "ingest")
    producer.produce(topic, encode_record(np.ones(4), subject=subject), partition=0, timestamp=1)
    assert producer.flush(30) == 0
    rows(running, subject, 1)
    recent = "SELECT ingested_at > now() - interval '10 minutes' FROM predictions WHERE subject = $1"
    assert value(running, recent, subject)


def test_offsets_are_committed_to_the_end(running: Settings) -> None:
    send(running, encode_record(np.ones(4)), b"rubbish")
    eventually(lambda: caught_up(running, "score", "ingest"), "score has not committed to the end")
    eventually(lambda: caught_up(running, "store", "predictions"), "store has not committed to the end")
    eventually(lambda: caught_up(running, "store", "dead-letters"), "store has not committed its dead letters")
    assert sum(committed_offsets(running, "score", "ingest").values()) >= 2


def test_nothing_is_scored_before_there_is_a_model(migrated: Settings) -> None:
    send(migrated, *[encode_record(np.ones(4), subject="early")] * 10)
    models.ensure_keys(migrated)
    with workers(migrated, score=1, store=1) as found:
        found["score-1"].wait_for("a first model")
        assert not caught_up(migrated, "score", "ingest")
        models.publish(migrated, MODEL, 1)
        rows(migrated, "early", 10)


def test_a_swap_goes_by_activation_and_a_stale_message_changes_nothing(migrated: Settings) -> None:
    first, second = models.a_model(1), models.a_model(2, seed=1)
    models.publish(migrated, first, 1)
    with workers(migrated, score=1, store=1) as found:
        found["score-1"].wait_for("worker_ready")
        models.publish(migrated, second, 3)
        found["score-1"].wait_for("event=model_swapped", 2)
        models.publish(migrated, first, 2)
        models.publish_value(migrated, b"no model at all")
        found["score-1"].wait_for("event=model_refused", 2)
        send(migrated, encode_record(np.ones(4), subject="after"))
        (row,) = rows(migrated, "after", 1)
        assert (row["model"], row["activation"]) == (2, 3)


def test_a_stream_of_bad_records_pauses_the_role_until_a_person_resumes_it(migrated: Settings) -> None:
    """Both workers: the one that met the records, and the one whose records are good."""
    settings = migrated.model_copy(update={"dlq_min_records": 50})
    models.publish(settings, models.a_model(), 1)
    with workers(settings, score=2, store=1) as found:
        for name in ("score-1", "score-2"):
            found[name].wait_for("worker_ready")
        send(settings, *[b"rubbish"] * 200)
        eventually(lambda: value(settings, "SELECT count(*) FROM pauses") == 1, "nothing was paused")

        def paused() -> bool:
            send(settings, encode_record(np.ones(4), subject="other"), partition=1)
            return all("event=paused" in found[name].log for name in ("score-1", "score-2"))

        eventually(paused, "one of the two workers goes on")
        assert value(settings, "SELECT count(*) FROM dead_letters") < 200
        assert all(found[name].running for name in ("score-1", "score-2"))
        query(settings, "UPDATE pauses SET resumed_at = now()")
        send(settings, *[encode_record(np.ones(4), subject="good")] * 300)
        rows(settings, "good", 300)
        count = "SELECT count(*) FROM dead_letters"
        eventually(lambda: value(settings, count) == 200, lambda: f"{value(settings, count)} dead letters")
