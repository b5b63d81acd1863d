"""Results in Avro: read by confluent-kafka's deserializer, from a real schema registry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from relearn.agents.results.avro import SCHEMA, avro_encoder
from relearn.schemas.errors import RegistryUnavailable, SetupError
from relearn.schemas.messages.results import result_messages
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from relearn.scripts.dev.bench.faults.servers import Server
from tests.stream.agents.results.test_role import send
from tests.support.data.blocks import block_of
from tests.support.data.rows import caught_up, messages
from tests.support.processes.workers import workers
from tests.support.servers.namespaces import Namespaces
from tests.support.servers.registry import schema_registry
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Server]]:
    with schema_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


def read(url: str, settings: Settings) -> list[Any]:
    """What a consumer that knows the registry alone makes of each message."""
    topic = topic_name(settings.namespace, "results")
    with SchemaRegistryClient({"url": url}) as client:
        deserialize = AvroDeserializer(client)
        context = SerializationContext(topic, MessageField.VALUE)
        return [deserialize(message.value(), context) for message in messages(settings, "results")]


def test_a_stock_deserializer_reads_what_json_says_once_the_registry_is_there(
    registry: tuple[str, Server], namespaces: Namespaces, tmp_path: Path
) -> None:
    """While the registry is away the worker waits and commits nothing."""
    url, server = registry
    settings = namespaces.fresh(tmp_path, results="avro", schema_registry_url=url)
    blocks = [block_of(3, k=k, first_offset=10 * k, ids=["a", None, "é"], subjects=[None, "s", "t"]) for k in (2, 5)]
    server.stop()
    with workers(settings, results=1) as running:
        send(settings, *blocks)
        running["results-1"].wait_for("schema registry")
        assert messages(settings, "results") == []
        server.start()
        eventually(lambda: caught_up(settings, "results", "predictions"), running["results-1"].told)
    same = [json.loads(one.value) for block in blocks for one in result_messages(block, source="/x", now_s=0.0)]
    by_prediction = {one["prediction"]: one for one in read(url, settings)}
    assert by_prediction == {one["prediction"]: one for one in same}
    with SchemaRegistryClient({"url": url}) as client:
        found = client.get_latest_version(f"{topic_name(settings.namespace, 'results')}-value").schema
    assert json.loads(found.schema_str)["fields"] == json.loads(SCHEMA.read_text())["fields"]


def test_every_worker_gets_the_same_id(registry: tuple[str, Server]) -> None:
    settings = Settings(results="avro", schema_registry_url=registry[0])
    (first, again) = (avro_encoder(settings, "t.results") for _ in range(2))
    (one,) = result_messages(block_of(1), source="/x", now_s=0.0, encode=first)
    (other,) = result_messages(block_of(1), source="/x", now_s=0.0, encode=again)
    assert one.value == other.value
    assert one.value[0] == 0


def test_a_registry_that_is_away_or_refuses_is_distinguished(registry: tuple[str, Server]) -> None:
    away = Settings(results="avro", schema_registry_url="http://127.0.0.1:9/apis/ccompat/v7")
    with pytest.raises(RegistryUnavailable):
        avro_encoder(away, "t.results")
    elsewhere = Settings(results="avro", schema_registry_url=registry[0].replace("ccompat", "elsewhere"))
    with pytest.raises(SetupError, match="RELEARN_SCHEMA_REGISTRY_URL"):
        avro_encoder(elsewhere, "t.results")
