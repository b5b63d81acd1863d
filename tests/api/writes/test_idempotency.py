"""A write that is repeated with its idempotency key gets the first response, and nothing is done twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.api.client import Client
from tests.support.data.models import a_model
from tests.support.data.rows import end_offsets
from tests.support.servers.embedded import Servers
from tests.support.waiting import eventually_async

ROWS = {"features": [[1, 2, 3, 4]] * 300}
KEYED = {"Idempotency-Key": "k-1"}


async def ask(
    client: Client, body: Any = ROWS, path: str = "/v1/batches", **headers: str
) -> tuple[int, Any, str | None]:
    """Status, body, and whether the response is replayed."""
    given = headers or KEYED
    async with client.http.post(
        path, json=body, headers={k.replace("_", "-"): v for k, v in given.items()}
    ) as response:
        return response.status, await response.json(content_type=None), response.headers.get("Idempotency-Replayed")


async def written(client: Client) -> int:
    """Messages on `ingest`."""
    return sum((await asyncio.to_thread(end_offsets, client.settings, "ingest")).values())


async def test_the_same_request_again_gets_the_same_answer_and_writes_nothing(client: Client) -> None:
    client.serve(a_model())
    status, first, replayed = await ask(client)
    assert (status, replayed) == (202, None)
    assert await ask(client) == (202, first, "true")
    assert await written(client) == 1


async def test_another_body_under_the_same_key_is_refused(client: Client) -> None:
    client.serve(a_model())
    await ask(client)
    status, problem, _ = await ask(client, {"features": [[1, 2, 3, 5]]})
    assert (status, problem["type"]) == (422, "urn:relearn:problem:invalid")
    assert await written(client) == 1


async def test_a_key_is_of_one_operation_alone(client: Client) -> None:
    client.serve(a_model())
    assert (await ask(client))[0] == 202
    said = {"prediction": "0-0-0", "label": "1"}
    assert (await ask(client, said, "/v1/feedback"))[::2] == (202, None)


async def test_of_many_at_once_one_writes_and_the_others_are_told_to_wait(client: Client) -> None:
    client.serve(a_model())
    answers = await asyncio.gather(*(ask(client) for _ in range(20)))
    assert {status for status, _, _ in answers} <= {202, 409}
    assert sum(status == 202 and not replayed for status, _, replayed in answers) == 1
    assert await written(client) == 1
    async with client.http.post("/v1/batches", json=ROWS, headers=KEYED) as response:
        assert (response.status, response.headers["Idempotency-Replayed"]) == (202, "true")


async def test_while_the_first_is_under_way_the_second_is_told_when_to_ask_again(client: Client) -> None:
    client.serve(a_model())
    await ask(client)
    (name,) = await client.context.redis.keys(f"{client.settings.namespace}:idempotency:*")
    entry = await client.context.redis.get(name)
    await client.context.redis.set(name, entry.split(',"status"')[0] + "}")
    async with client.http.post("/v1/batches", json=ROWS, headers=KEYED) as response:
        assert (response.status, response.headers["Retry-After"]) == (409, "1")


async def test_an_answer_is_kept_for_a_day(client: Client) -> None:
    client.serve(a_model())
    await ask(client)
    (name,) = await client.context.redis.keys(f"{client.settings.namespace}:idempotency:*")
    assert 86_000 < await client.context.redis.ttl(name) <= 86_400


async def test_an_attempt_that_failed_frees_its_key(client: Client) -> None:
    """Here for a body that doesn't fit the schema, which only the handler can detect."""
    client.serve(a_model())
    assert (await ask(client, {"features": [[1]]}))[0] == 422
    assert (await ask(client))[::2] == (202, None)


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256, "a\tb"])
async def test_what_cannot_be_a_key_is_refused(client: Client, key: str) -> None:
    status, problem, _ = await ask(client, **{"Idempotency-Key": key})
    assert (status, problem["type"]) == (400, "urn:relearn:problem:malformed")


async def test_two_keys_are_none(client: Client) -> None:
    both = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    async with client.http.post("/v1/batches", json=ROWS, headers=both) as response:
        assert response.status == 400


async def test_with_redis_away_only_requests_with_a_key_are_refused(client: Client, servers: Servers) -> None:
    client.serve(a_model())
    with servers.valkey.away():
        status, problem, _ = await ask(client)
        assert (status, problem["type"]) == (503, "urn:relearn:problem:unavailable")
        await client.json("POST", "/v1/batches", status=202, json=ROWS)

    async def keyed() -> bool:
        return (await ask(client))[0] == 202

    await eventually_async(keyed, "a key isn't honoured after Redis came back")
    assert await written(client) == 2
