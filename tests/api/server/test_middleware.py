"""Wrong paths, methods and bodies are problems with a stable type; nothing else is sent."""

from __future__ import annotations

import asyncio
import gzip
import re

import pytest

from relearn.api.routes import HANDLERS
from relearn.schemas.http.operations import OPERATIONS
from relearn.schemas.topics import topic_name
from tests.support.api.client import Client
from tests.support.data.models import a_model
from tests.support.servers.embedded import Servers
from tests.support.waiting import eventually_async

JSON, TEXT = {"Content-Type": "application/json"}, {"Content-Type": "text/plain"}
PREDICT = ("POST", "/v1/predict")


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "expected"),
    [
        ("GET", "/v1/nothing", None, {}, (404, "not-found")),
        ("PATCH", "/v1/predict", None, {}, (405, "method-not-allowed")),
        (*PREDICT, b"x", TEXT, (415, "unsupported-media-type")),
        (*PREDICT, b"{", JSON, (400, "malformed")),
        (*PREDICT, b"", JSON, (400, "malformed")),
        (*PREDICT, b'{"features": []}', JSON, (422, "invalid")),
        (*PREDICT, b'{"features": [{"\xff": 1}]}', JSON, (400, "malformed")),
        (*PREDICT, b'{"feature": [[1]]}', JSON, (422, "invalid")),
        (*PREDICT, b"[" * 100_000, JSON, (422, "invalid")),
        (*PREDICT, b'{"features": ' + b"[" * 100_000, JSON, (422, "invalid")),
        (*PREDICT, b"not gzip", {**JSON, "Content-Encoding": "gzip"}, (400, "malformed")),
        (*PREDICT, gzip.compress(b"{}", mtime=0) + b"more", {**JSON, "Content-Encoding": "gzip"}, (400, "malformed")),
        (*PREDICT, gzip.compress(b"{}", mtime=0)[:-1], {**JSON, "Content-Encoding": "gzip"}, (400, "malformed")),
        (*PREDICT, b'{"features": [[1]]}', {**JSON, "Content-Encoding": "foo"}, (415, "unsupported-media-type")),
        (*PREDICT, b"", {**JSON, "Content-Encoding": "br"}, (415, "unsupported-media-type")),
        (*PREDICT, b"", {**JSON, "Content-Encoding": "zstd"}, (415, "unsupported-media-type")),
        (*PREDICT, b"", {**JSON, "Content-Encoding": "gzip, gzip"}, (415, "unsupported-media-type")),
        ("POST", "/v1/predict?x=1", b'{"features": [[1]]}', JSON, (400, "malformed")),
        ("GET", "/v1/jobs?limit=1&limit=1", None, {}, (400, "malformed")),
        ("GET", "/v1/jobs?state=null", None, {}, (400, "malformed")),
        ("GET", "/v1/predictions?reviewed=null", None, {}, (400, "malformed")),
    ],
)
async def test_what_is_wrong_is_a_problem(
    client: Client, method: str, path: str, body: bytes | None, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    status, kind = expected
    problem = await client.json(method, path, status=status, data=body, headers=headers)
    assert (problem["type"], problem["status"]) == (f"urn:relearn:problem:{kind}", status)


async def test_a_body_may_not_unpack_to_more_than_the_limit(client: Client) -> None:
    bomb = gzip.compress(bytes(64 * 2**20))
    assert len(bomb) < 2**17
    problem = await client.json(*PREDICT, status=413, data=bomb, headers={**JSON, "Content-Encoding": "gzip"})
    assert problem["type"] == "urn:relearn:problem:too-large"


@pytest.mark.parametrize(
    ("asked", "status"), [("POST /v1/nothing", 404), ("PATCH /v1/predict", 405), ("GET /livez", 200)]
)
async def test_what_nobody_reads_is_not_unpacked(client: Client, asked: str, status: int) -> None:
    """Otherwise invalid gzip would end the connection, and valid gzip could keep the process busy."""
    rubbish = gzip.compress(b"")[:10] + b"\xff" * 1000
    head = f"{asked} HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: {len(rubbish)}\r\n\r\n"
    following = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", client.http.port)
    writer.write(head.encode() + rubbish + following)
    said = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert re.findall(rb"HTTP/1.1 (\d+) ", said) == [str(status).encode(), b"200"]


async def test_which_codings_are_read_is_told_before_the_body_has_come(client: Client) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", client.http.port)
    writer.write(b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n")
    writer.write(b"Content-Encoding: br\r\nContent-Length: 100\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    assert b" 415 " in head.splitlines()[0]
    assert b"Accept-Encoding: identity, gzip, deflate" in head


async def test_every_answer_has_an_id_which_may_be_given(client: Client) -> None:
    async with client.http.get("/livez") as response:
        assert len(response.headers["X-Request-Id"]) == 32
    async with client.http.get("/v1/nothing", headers={"X-Request-Id": "mine-1"}) as response:
        assert response.headers["X-Request-Id"] == "mine-1"
        assert (await response.json(content_type=None))["request_id"] == "mine-1"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/", "/web/app.js", "/openapi.json"])
async def test_head_is_answered_as_get_without_the_body(client: Client, path: str) -> None:
    states = client.context.health.states
    await eventually_async(lambda: all(one.ok for name, one in states.items() if name != "model"), "not all are seen")
    async with client.http.get(path) as got, client.http.head(path) as asked:
        assert await asked.read() == b""
        assert asked.status == got.status
        for name in ("Content-Type", "Content-Length", "Cache-Control", "Content-Security-Policy"):
            assert asked.headers[name] == got.headers[name]


async def test_head_is_for_what_needs_no_key(client: Client) -> None:
    async with client.http.head("/v1/events") as response:
        assert (response.status, response.headers["Allow"]) == (405, "GET")
    async with client.http.post("/livez") as response:
        assert (response.status, response.headers["Allow"]) == (405, "GET,HEAD")


async def test_readiness_names_what_is_missing(client: Client) -> None:
    states = client.context.health.states
    await eventually_async(lambda: all(one.ok for name, one in states.items() if name != "model"), "not all are seen")
    answer = await client.json("GET", "/readyz", status=503)
    assert answer["status"] == "not ready"
    assert {check["name"]: check["ok"] for check in answer["checks"]} == {
        "kafka": True,
        "postgres": True,
        "migrations": True,
        "redis": True,
        "model": False,
    }
    client.serve(a_model())
    await eventually_async(lambda: client.context.health.ready, "not ready")
    assert (await client.json("GET", "/readyz"))["status"] == "ready"


async def test_a_topic_that_is_gone_is_named(client: Client, servers: Servers) -> None:
    states = client.context.health.states
    await eventually_async(lambda: states["kafka"].ok, "it isn't there")
    await asyncio.to_thread(servers.drop_topics, [topic_name(client.settings.namespace, "ingest")])
    await eventually_async(lambda: "run `relearn migrate` first" in states["kafka"].detail, lambda: str(states))


def test_every_operation_has_a_handler_and_only_those() -> None:
    assert sorted(HANDLERS) == sorted(operation.id for operation in OPERATIONS)
