"""Records sent over HTTP: checked before they are sent to Kafka, and answered with their prediction ids."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import numpy as np
import pytest

from relearn.agents.kafka.topics import admin_client, create_topics, topic_id_once_known
from relearn.agents.stores.postgres import Pool
from relearn.schemas.messages.headers import header_text
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from tests.support.api.client import Client
from tests.support.data.messages import FakeMessage, decode_chunk
from tests.support.data.models import a_model
from tests.support.data.rows import messages

NAMES = ("x1", "x2", "x3", "x4")
MODEL = a_model(3)
BATCHES = ("POST", "/v1/batches")


async def on_topic(settings: Settings, names: tuple[str, ...] = NAMES) -> dict[str, dict[str, Any]]:
    """Every record that a score worker would read from `ingest`, by the id that it would give it (generation 0)."""
    raw = await asyncio.to_thread(messages, settings, "ingest")
    records, rejects = decode_chunk([FakeMessage(one.value(), one.offset(), one.partition()) for one in raw], names)
    assert rejects == []
    places = zip(records.partitions.tolist(), records.offsets.tolist(), records.indexes.tolist(), strict=True)
    columns = zip(
        records.features.tolist(), records.ids, records.subjects, records.batches, records.contexts, strict=True
    )
    keys = ("features", "id", "subject", "batch", "context")
    return {
        "-".join(map(str, place)): dict(zip(keys, values, strict=True))
        for place, values in zip(places, columns, strict=True)
    }


def a_row(i: int) -> list[float]:
    return [float(i), 0.5, -1.0, 1e-300]


async def test_records_stand_on_the_topic_under_the_ids_that_were_answered(client: Client) -> None:
    client.serve(MODEL)
    body = {
        "features": [a_row(0), dict(zip(reversed(NAMES), reversed(a_row(1)), strict=True))],
        "ids": ["r-0", None],
        "subjects": [None, "é"],
        "contexts": ["look at this", None],
        "batch": "b/1",
    }
    answer = await client.json(*BATCHES, status=202, json=body)
    assert answer["batch_id"] == "b/1"
    found = await on_topic(client.settings)
    assert [found[one] for one in answer["predictions"]] == [
        {"features": a_row(0), "id": "r-0", "subject": None, "batch": "b/1", "context": "look at this"},
        {"features": a_row(1), "id": None, "subject": "é", "batch": "b/1", "context": None},
    ]
    assert len(found) == 2


@pytest.mark.parametrize(("records", "kind"), [(1, "relearn.record.v1"), (1000, "relearn.records.v1")])
async def test_a_small_batch_is_one_message_with_cloud_events_headers(client: Client, records: int, kind: str) -> None:
    client.serve(MODEL)
    answer = await client.json(*BATCHES, status=202, json={"features": [a_row(i) for i in range(records)]})
    (message,) = await asyncio.to_thread(messages, client.settings, "ingest")
    assert (header_text(message.headers(), "ce_type"), header_text(message.headers(), "ce_specversion")) == (
        kind,
        "1.0",
    )
    assert header_text(message.headers(), "ce_source") == client.context.source
    found = await on_topic(client.settings)
    assert [found[one]["features"][0] for one in answer["predictions"]] == list(range(records))
    assert {one["batch"] for one in found.values()} == {answer["batch_id"]}


async def test_ten_thousand_records_are_a_few_messages_and_keep_their_order(client: Client) -> None:
    names = tuple(f"x{i + 1}" for i in range(30))
    client.serve(a_model(d=30))
    rows = np.random.default_rng(0).normal(size=(10_000, 30)).round(3)
    rows[:, 0] = np.arange(10_000)
    body = io.BytesIO(json.dumps({"features": rows.tolist()}).encode())
    answer = await client.json(*BATCHES, status=202, data=body, headers={"Content-Type": "application/json"})
    assert 1 < len(await asyncio.to_thread(messages, client.settings, "ingest")) < 5
    found = await on_topic(client.settings, names)
    assert [found[one]["features"] for one in answer["predictions"]] == rows.tolist()


async def test_before_any_model_the_first_training_sets_features_count(client: Client) -> None:
    pool: Pool = client.context.pool
    await pool.execute("INSERT INTO feature_schema (names) VALUES ($1)", list(NAMES))
    answer = await client.json(*BATCHES, status=202, json={"features": [{"x4": 4, "x3": 3, "x2": 2, "x1": 1}]})
    assert (await on_topic(client.settings))[answer["predictions"][0]]["features"] == [1, 2, 3, 4]
    problem = await client.json(*BATCHES, status=422, json={"features": [[1, 2, 3]]})
    assert problem["errors"] == [{"field": "features[0]", "detail": "3 values; the schema has 4 features"}]


@pytest.mark.parametrize("records", [1, 2])
async def test_before_any_schema_names_travel_with_the_records(client: Client, records: int) -> None:
    rows = [{"x4": 4, "x3": 3, "x2": i, "x1": 1} for i in range(records)]
    answer = await client.json(*BATCHES, status=202, json={"features": rows})
    found = await on_topic(client.settings)
    assert [found[one]["features"] for one in answer["predictions"]] == [[1, i, 3, 4] for i in range(records)]


UNLIKE = "isn't of the first record's form"
STRANGE_ROWS: list[tuple[Any, str, str]] = [
    ([[1, 2], [1]], "features[1]", UNLIKE),
    ([[1, 2], {"a": 1, "b": 2}], "features[1]", UNLIKE),
    ([{"a": 1}, {"b": 1}], "features[1]", "a: missing"),
    ([[]], "features[0]", "has no features"),
    ([{}], "features[0]", "has no features"),
    ([{"a\0": 1}], "features[0]", "the name 'a\\x00' has a NUL character"),
]


async def test_before_any_schema_all_rows_are_of_one_form(client: Client) -> None:
    for rows, field, detail in STRANGE_ROWS:
        problem = await client.json(*BATCHES, status=422, json={"features": rows})
        assert problem["errors"] == [{"field": field, "detail": detail}]
    assert await on_topic(client.settings) == {}


ROW = {"features": [[1, 2, 3, 4]]}
WRONG: list[tuple[Any, str]] = [
    ({"features": []}, "features"),
    ({"features": [[1, 2, 3, 4]] * 10_001}, "features"),
    ({"features": [[1, 2, 3, "4"]]}, "features[0][3]"),
    ({"features": [[1, 2, 3, 1e308], [1, 2, 3, 4], [1, 2, 3]]}, "features[2]"),
    ({**ROW, "ids": ["a", "b"]}, "ids"),
    ({**ROW, "subjects": []}, "subjects"),
    ({**ROW, "ids": ["é" * 129]}, "ids[0]"),
    ({**ROW, "subjects": ["a\0"]}, "subjects[0]"),
    ({**ROW, "contexts": ["é" * 1025]}, "contexts[0]"),
    ({**ROW, "batch": ""}, "batch"),
    ({**ROW, "batch": "é" * 129}, "batch"),
    ({**ROW, "batch": 7}, "batch"),
    ({**ROW, "names": list(NAMES)}, ""),
]


async def test_what_is_wrong_is_named_and_nothing_is_sent(client: Client) -> None:
    client.serve(MODEL)
    for body, field in WRONG:
        problem = await client.json(*BATCHES, status=422, json=body)
        assert problem["errors"][0]["field"] == field, problem
    assert await on_topic(client.settings) == {}


async def test_a_record_larger_than_a_message_is_too_large(client: Client) -> None:
    """A record has 8 bytes per feature in a message, and a body at most a million values."""
    client.serve(a_model(d=1_100_000))
    body = io.BytesIO(b'{"features": [[' + b"0," * 1_099_999 + b"0]]}")
    problem = await client.json(*BATCHES, status=413, data=body, headers={"Content-Type": "application/json"})
    assert "more than 1,000,000 values" in problem["detail"]


async def test_a_topic_made_anew_gives_ids_of_the_next_generation(client: Client) -> None:
    client.serve(MODEL)
    rows = {"features": [a_row(0)]}
    before = await client.json(*BATCHES, status=202, json=rows)
    assert len(before["predictions"][0].split("-")) == 3
    admin, topic = admin_client(client.settings), topic_name(client.settings.namespace, "ingest")
    await asyncio.wrap_future(admin.delete_topics([topic])[topic])
    await create_topics(client.settings)
    await topic_id_once_known(admin, topic)
    # The generation was read moments ago, and no offset that this process has seen contradicts it on each partition.
    answers = [await client.json(*BATCHES, status=202, json=rows) for _ in range(8)]
    given = {place for answer in answers for place in answer["predictions"]}
    assert {f"1-{place}" for place in await on_topic(client.settings)} == given
