"""Models: listed, shown with their lineage, exported and activated."""

from __future__ import annotations

import asyncio
import csv
import json
from typing import Any

import aiohttp
import pytest

from relearn.schemas.messages.commands import Command, decode_command
from relearn.schemas.settings import Settings
from tests.support.api.client import Client
from tests.support.data import retrains, reviewed
from tests.support.data.registered import register
from tests.support.data.rows import messages, query, value
from tests.support.waiting import eventually

WIDTH = 60
UNPACKED = {"Accept-Encoding": "identity"}
_MANY = """
INSERT INTO examples (key, features, label, source)
SELECT 'many-' || i, array_fill($1::float8, ARRAY[60]), 'yes', 'test' FROM generate_series(1, 20000) AS i
"""
_ALL = "UPDATE models SET example_ids = (SELECT array_agg(id) FROM examples) WHERE version = 1"
_CURSORS = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = $1 AND xact_start IS NOT NULL AND query LIKE '%used ORDER BY key%'
"""


def two_models(settings: Settings) -> None:
    """A champion of corrections and assumptions, made from a former one of 14 examples."""
    retrains.load(settings, 14)
    assert register(settings) == 1
    features, truth = reviewed.records(40)
    offsets, answers, _ = reviewed.predict(settings, features, reviewed.model_of(settings, 1))
    wrong = [i for i in range(40) if answers[i] != truth[i]][:4]
    reviewed.review(settings, [offsets[i] for i in wrong], [truth[i] for i in wrong], by='ann,"a"')
    assert register(settings) == 2


def a_long_model(settings: Settings) -> None:
    """One whose export is 24 MB, more than sockets hold on their way."""
    retrains.load(settings, 14, d=WIDTH)
    assert register(settings) == 1
    query(settings, _MANY, 0.12345678901234567)
    query(settings, _ALL)


async def test_models_come_page_by_page_the_newest_first(client: Client) -> None:
    await asyncio.to_thread(two_models, client.settings)
    first = await client.json("GET", "/v1/models?limit=1")
    assert [(one["version"], one["state"]) for one in first["items"]] == [(2, "champion")]
    last = await client.json("GET", "/v1/models", params={"limit": "1", "cursor": first["next"]})
    assert [(one["version"], one["state"], one["examples"]) for one in last["items"]] == [(1, "former", 14)]
    assert last["next"] is None
    assert [one["version"] for one in (await client.json("GET", "/v1/models?state=former"))["items"]] == [1]


async def test_a_model_shows_its_whole_lineage(client: Client) -> None:
    await asyncio.to_thread(two_models, client.settings)
    found = await client.json("GET", "/v1/models/2")
    assert (found["version"], found["state"], found["examples"]) == (2, "champion", 18)
    assert found["sources"] == {"bootstrap": 14, "reviewed": 4, "assumed": found["assumed"]}
    assert sum(sum(counts.values()) for counts in found["classes"].values()) == found["examples"] + found["assumed"]
    assert found["made_by"]["reason"] == {"trigger": "count", "corrections": 20}
    (activation,) = found["activations"]
    assert (activation["activation"], activation["key_id"]) == (found["activation"], found["key_id"])
    assert await client.json("GET", f"/v1/jobs/{found['job']}") == found["made_by"]


async def test_each_model_is_judged_on_what_it_answered_and_on_what_is_the_same_for_all(client: Client) -> None:
    await asyncio.to_thread(two_models, client.settings)
    second, first = (await client.json("GET", "/v1/models"))["items"]
    assert second["live"] is None
    assert first["live"]["n"] == 4
    assert (first["live"]["right"], first["live"]["estimate"]) == (0, 0.0)
    for one in (first, second):
        alone = await client.json("GET", f"/v1/models/{one['version']}")
        assert alone["live"] == one["live"]
        assert alone["features"] == ["x1", "x2", "x3", "x4"]
        assert one["metrics"]["bootstrap"]["examples"] == 14
        assert 0 <= one["metrics"]["bootstrap"]["right"] <= 14


async def test_examples_are_the_same_in_every_form(client: Client) -> None:
    """Pages of JSON one after the other, CSV and newline-delimited JSON."""
    await asyncio.to_thread(two_models, client.settings)
    found: list[dict[str, Any]] = []
    parameters: dict[str, str] | None = {"limit": "7"}
    while parameters is not None:
        page = await client.json("GET", "/v1/models/2/examples", params=parameters)
        found += page["items"]
        assert len(page["items"]) == 7 or page["next"] is None
        parameters = {"limit": "7", "cursor": page["next"]} if page["next"] else None
    assert [one["key"] for one in found] == sorted(one["key"] for one in found)
    assert {one["source"] for one in found} == {"bootstrap", "reviewed", "assumed"}

    async with client.http.get("/v1/models/2/examples?format=ndjson") as response:
        assert response.content_type == "application/x-ndjson"
        assert [json.loads(line) for line in (await response.text()).splitlines()] == found
    async with client.http.get("/v1/models/2/examples?format=csv") as response:
        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert response.headers["Content-Disposition"] == 'attachment; filename="model-2-examples.csv"'
        rows = list(csv.DictReader((await response.text()).splitlines()))
    flat = [{**one, **one["features"]} for one in found]
    assert [{name: "" if one[name] is None else str(one[name]) for name in rows[0]} for one in flat] == rows


@pytest.mark.parametrize("ends", ["the reader goes away", "Postgres breaks off"])
async def test_an_export_that_breaks_off_leaves_nothing_open(client: Client, ends: str) -> None:
    """Neither its cursor nor its slot stays taken; a client that still reads gets an incomplete body."""
    settings = client.settings
    await asyncio.to_thread(a_long_model, settings)
    async with client.http.get("/v1/models/1/examples?format=csv", headers=UNPACKED) as response:
        await response.content.readexactly(1000)

        def held_up() -> bool:
            return value(settings, _CURSORS, settings.namespace) == 1

        # Until sockets hold no more, Postgres may be at work on the next rows at any moment.
        await asyncio.to_thread(eventually, held_up, "no cursor waits for the reader")
        if ends == "Postgres breaks off":
            ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1"
            await asyncio.to_thread(query, settings, ended, settings.namespace)
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()
        else:
            response.close()

    def closed() -> bool:
        return value(settings, _CURSORS, settings.namespace) == 0

    await asyncio.to_thread(eventually, closed, "the cursor is still open")
    assert await client.json("GET", "/v1/models/1/examples?limit=1")


async def test_so_many_exports_at_once_and_no_more(client: Client) -> None:
    """Each holds a Postgres connection; further downloads get 429."""
    await asyncio.to_thread(a_long_model, client.settings)
    path = "/v1/models/1/examples?format=csv"
    async with client.http.get(path, headers=UNPACKED) as one, client.http.get(path, headers=UNPACKED) as two:
        assert (one.status, two.status) == (200, 200)
        async with client.http.get(path) as three:
            assert (three.status, three.headers["Retry-After"]) == (429, "5")
        assert (await one.read()).count(b"\n") == 20_015
    assert await client.problem("GET", "/v1/models/9/examples?format=csv", 404) == "not-found"


async def test_a_model_is_activated_by_a_command(client: Client) -> None:
    await asyncio.to_thread(two_models, client.settings)
    answer = await client.json("POST", "/v1/models/1/activate", status=202)
    (message,) = await asyncio.to_thread(messages, client.settings, "commands")
    assert decode_command(message.value()) == Command(answer["id"], "activate", {"trigger": "manual"}, 1)


async def test_a_model_that_is_known_to_be_worse_is_activated_by_force_only(client: Client) -> None:
    await asyncio.to_thread(two_models, client.settings)
    for state, word in (("rejected", "rejected"), ("rolled-back", "rolled back")):
        await asyncio.to_thread(query, client.settings, "UPDATE models SET state = $1 WHERE version = 1", state)
        async with client.http.post("/v1/models/1/activate") as response:
            assert (response.status, word in (await response.json(content_type=None))["detail"]) == (409, True)
    answer = await client.json("POST", "/v1/models/1/activate?force=true", status=202)
    (message,) = await asyncio.to_thread(messages, client.settings, "commands")
    assert decode_command(message.value()) == Command(answer["id"], "activate", {"trigger": "manual"}, 1, force=True)


WRONG = (
    ("GET", "/v1/models/9", 404),
    ("GET", "/v1/models/9/examples", 404),
    ("GET", "/v1/models/9/examples?format=csv", 404),
    ("POST", "/v1/models/9/activate", 404),
    ("GET", "/v1/models/2147483648", 400),
    ("POST", f"/v1/models/{'9' * 5000}/activate", 400),
    ("GET", "/v1/models/0/examples", 400),
    ("GET", "/v1/models/-1", 400),
    ("GET", "/v1/models/%00", 400),
    ("GET", "/v1/models/1/examples?format=xml", 400),
)


async def test_what_is_not_there_or_can_not_be_is_said(client: Client) -> None:
    for method, path, status in WRONG:
        assert await client.problem(method, path, status) == {404: "not-found", 400: "malformed"}[status]
