"""A real schema registry: its schemas are found, what it lacks is a dead letter, and it is waited for."""

from __future__ import annotations

import asyncio
import io
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import pytest
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient

from relearn.agents.foreign.codecs import codec_of
from relearn.agents.foreign.registry import Registry
from relearn.schemas.errors import BadMessage, RegistryUnavailable, SetupError
from relearn.schemas.foreign.frame import frame
from relearn.schemas.settings import Settings
from relearn.scripts.dev.bench.faults.servers import Server
from tests.stream.agents.score.test_mapping import condition
from tests.stream.agents.score.test_role import rows, send
from tests.support.data import models
from tests.support.data.rows import query, value
from tests.support.processes.workers import workers
from tests.support.servers.namespaces import Namespaces
from tests.support.servers.registry import schema_registry
from tests.support.waiting import eventually

RECORD = {
    "type": "record",
    "name": "Row",
    "fields": [
        *({"name": name, "type": ["null", "double"]} for name in ("x1", "x2", "x3", "x4")),
        {"name": "who", "type": "string"},
    ],
}
ENVELOPE = {
    "type": "record",
    "name": "Envelope",
    "fields": [
        {"name": "before", "type": ["null", RECORD]},
        {"name": "after", "type": ["null", "Row"]},
        {"name": "op", "type": "string"},
    ],
}
WAITING = "waiting for the schema registry"
MAPPING = """
subject = "who"
[features]
x1 = "x1"
x2 = "x2"
x3 = "x3"
x4 = "x4"
"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Server]]:
    with schema_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="module")
def producer(registry: tuple[str, Server]) -> Iterator[SchemaRegistryClient]:
    """The client with which a producer registers its schemas."""
    with SchemaRegistryClient({"url": registry[0]}) as client:
        yield client


def avro(schema: Any, schema_id: int, record: Any) -> bytes:
    """A message as confluent-kafka's serializer writes it."""
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(schema), record)
    return frame(schema_id, body.getvalue())


def test_schemas_are_found_with_what_they_refer_to(
    registry: tuple[str, Server], producer: SchemaRegistryClient
) -> None:
    producer.register_schema("row", Schema(json.dumps(RECORD), "AVRO"))
    outer = {"type": "record", "name": "Outer", "fields": [{"name": "row", "type": "Row"}]}
    reference = SchemaReference("Row", "row", 1)
    outer_id = producer.register_schema("outer", Schema(json.dumps(outer), "AVRO", [reference]))
    row = {"x1": 1.0, "x2": None, "x3": 3.0, "x4": 4.0, "who": "me"}
    client = Registry(Settings(schema_registry_url=registry[0]))
    whole = {**outer, "fields": [{"name": "row", "type": RECORD}]}
    assert codec_of(client.fetch(outer_id)).decode(avro(whole, outer_id, {"row": row})) == {"row": row}
    json_schema = json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"})
    json_id = producer.register_schema("json", Schema(json_schema, "JSON"))
    assert codec_of(client.fetch(json_id)).decode(frame(json_id, b' {"a": 1}')) == {"a": 1}
    imported = 'syntax = "proto3"; message Inner { double y = 1; }'
    producer.register_schema("inner", Schema(imported, "PROTOBUF"))
    proto = 'syntax = "proto3"; import "inner.proto"; message Row { double x = 1; Inner inner = 2; }'
    proto_id = producer.register_schema(
        "proto", Schema(proto, "PROTOBUF", [SchemaReference("inner.proto", "inner", 1)])
    )
    body = b"\x12\x09\x09" + struct.pack("<d", 2.5)
    found = codec_of(client.fetch(proto_id)).decode(frame(proto_id, b"\0" + body))
    assert found == {"x": 0.0, "inner": {"y": 2.5}}
    with pytest.raises(BadMessage, match="the registry has no schema 987654"):
        client.fetch(987_654)
    client.close()


def test_another_address_is_an_operators_to_mend(registry: tuple[str, Server]) -> None:
    client = Registry(Settings(schema_registry_url=registry[0].replace("ccompat", "elsewhere")))
    with pytest.raises(SetupError, match="there is no schema registry at the address in RELEARN_SCHEMA_REGISTRY_URL"):
        client.fetch(1)
    client.close()


def test_a_worker_reads_what_is_framed_and_waits_while_the_registry_is_away(
    registry: tuple[str, Server], producer: SchemaRegistryClient, namespaces: Namespaces, tmp_path: Path
) -> None:
    """Debezium in Avro: rows, a deletion and a tombstone; an unknown schema and rubbish; the registry away and back."""
    url, server = registry
    envelope_id = producer.register_schema("envelope", Schema(json.dumps(ENVELOPE), "AVRO"))
    other_id = producer.register_schema("other", Schema(json.dumps({**RECORD, "name": "Other"}), "AVRO"))
    row = {"x1": 1.0, "x2": 2.0, "x3": -3.0, "x4": 4.5, "who": "s"}
    good = avro(ENVELOPE, envelope_id, {"before": None, "after": row, "op": "c"})
    deletion = avro(ENVELOPE, envelope_id, {"before": row, "after": None, "op": "d"})
    null = avro(ENVELOPE, envelope_id, {"before": None, "after": {**row, "x2": None}, "op": "c"})
    unknown, truncated, huge = frame(987_654, b"x"), good[:-6], frame(other_id, b"\x02" * 36 + b"\xfe\xff\xff\xff\x0f")
    (tmp_path / "mapping.toml").write_text(MAPPING)
    settings = namespaces.fresh(tmp_path, partitions=1).model_copy(
        update={"ingest_mapping": tmp_path / "mapping.toml", "schema_registry_url": url}
    )
    models.publish(settings, models.a_model(), 1)
    count = "SELECT count(*) FROM dead_letters"
    with workers(settings, score=1, store=1) as found:
        send(settings, good, unknown, deletion, None, null, truncated, huge, good)
        assert [one["features"] for one in rows(settings, "s", 2)] == [[1.0, 2.0, -3.0, 4.5]] * 2
        eventually(lambda: value(settings, count) == 4, found["score-1"].told)
        letters = query(settings, "SELECT reason, error, value FROM dead_letters ORDER BY kafka_offset")
        assert [(one["reason"], one["error"]) for one in letters] == [
            ("schema", "schema 987654: the registry has no schema 987654"),
            ("mapping", "feature 'x2': x2 is null; it should be a number"),
            ("unreadable", "not of its Avro schema: it ends within a value"),
            ("unreadable", "not of its Avro schema: a text of 2147483647 bytes"),
        ]
        assert [bytes(one["value"]) for one in letters] == [unknown, null, truncated, huge]
        new_id = producer.register_schema("new", Schema(json.dumps({**RECORD, "name": "New"}), "AVRO"))
        with server.away():
            send(settings, good, avro({**RECORD, "name": "New"}, new_id, row), good)
            eventually(
                lambda: any(
                    one["condition"] == "waiting for the schema registry" for one in condition(settings)["workers"]
                ),
                found["score-1"].told,
            )
            assert value(settings, count) == 4
        assert len(rows(settings, "s", 5)) == 5
        assert value(settings, count) == 4
        assert found["score-1"].starts == 1


async def test_a_registry_that_is_away_is_retryable(tmp_path: Path) -> None:
    client = Registry(Settings(schema_registry_url="http://127.0.0.1:9/apis/ccompat/v7"))
    with pytest.raises(RegistryUnavailable, match="doesn't answer"):
        await asyncio.to_thread(client.fetch, 1)
    client.close()
