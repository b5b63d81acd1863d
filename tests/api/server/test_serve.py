"""Serving and shutdown: requests in flight are finished, endless streams get a last chunk, broken processes end."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from relearn.api.http import limits
from relearn.api.http.context import CLOSING
from relearn.api.http.limits import MalformedRequestFilter
from relearn.api.server.app import make_app
from relearn.api.server.background import BACKGROUND
from relearn.api.server.listening import listen, reserve, share
from relearn.api.server.serve import serve_until
from relearn.schemas.errors import SettingsError, SetupError
from relearn.schemas.settings import Settings
from relearn.scripts.dev.bench.faults.servers import free_ports
from relearn.scripts.embedded.keys import ensure_pair
from tests.support.api.client import Client, serving
from tests.support.waiting import eventually_async

HOST = "127.0.0.1"


@dataclass
class Served:
    """A server in this process, and how to end it."""

    app: web.Application
    port: int
    stop: asyncio.Event
    ended: asyncio.Future[int]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


@asynccontextmanager
async def served(
    settings: Settings, add: Callable[[web.Application], None], *, limit: int | None = None
) -> AsyncIterator[Served]:
    ensure_pair(settings.keys_dir)
    port = free_ports().valkey
    stop, up, app = asyncio.Event(), asyncio.Event(), make_app(settings)
    add(app)
    ended = asyncio.ensure_future(serve_until(stop, app, listen(HOST, port), up.set, limit=limit))
    await first_of_both(up, ended)
    try:
        yield Served(app, port, stop, ended)
    finally:
        stop.set()
        await ended


async def first_of_both(event: asyncio.Event, task: asyncio.Future[Any]) -> None:
    """Until `event` is set; the error of `task`, or its end, if that comes first."""
    waiting = asyncio.ensure_future(event.wait())
    await asyncio.wait((waiting, task), return_when=asyncio.FIRST_COMPLETED)
    if not event.is_set():
        waiting.cancel()
        raise AssertionError(f"it ended too early: {await task}")


@pytest.fixture
def quiet() -> Iterator[None]:
    """The log with the process's configuration."""
    no_fault, logger = MalformedRequestFilter(), logging.getLogger("aiohttp.server")
    logger.addFilter(no_fault)
    yield
    logger.removeFilter(no_fault)


@asynccontextmanager
async def raw(server: Served) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to it."""
    reader, writer = await asyncio.open_connection(HOST, server.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


async def test_what_is_in_flight_is_finished_and_nothing_new_is_accepted(migrated: Settings) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        begun.set()
        await go_on.wait()
        return web.Response(text="done")

    async with served(migrated, lambda app: app.router.add_get("/slow", slow)) as server:
        async with aiohttp.ClientSession() as session, aiohttp.ClientSession() as other:
            asking = asyncio.ensure_future(session.get(f"{server.url}/slow"))
            await first_of_both(begun, asking)
            server.stop.set()
            await server.app[CLOSING].wait()
            with pytest.raises(aiohttp.ClientConnectorError):
                await other.get(f"{server.url}/livez")
            assert not server.ended.done()
            go_on.set()
            response = await asking
            assert (response.status, await response.text()) == (200, "done")
        assert await server.ended == 0


async def test_a_stream_is_told_that_it_is_closing(migrated: Settings) -> None:
    """Its last chunk arrives, and the server doesn't wait any longer."""

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"hello\n")
        await request.config_dict[CLOSING].wait()
        await response.write(b"goodbye\n")
        return response

    async with served(migrated, lambda app: app.router.add_get("/stream", stream)) as server:
        async with aiohttp.ClientSession() as session, session.get(f"{server.url}/stream") as response:
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert len(response.headers["X-Request-Id"]) == 32
            assert await response.content.readline() == b"hello\n"
            server.stop.set()
            assert await response.content.read() == b"goodbye\n"
        assert await server.ended == 0


async def test_a_server_that_is_closing_is_not_ready(client: Client) -> None:
    await eventually_async(lambda: client.context.health.states["kafka"].ok, "Kafka isn't seen")
    assert client.http.app is not None
    client.http.app[CLOSING].set()
    assert (await client.json("GET", "/readyz", status=503))["status"] == "not ready"


def kafka_threads() -> int:
    """The number of threads of librdkafka in this process. One that ends meanwhile doesn't count."""
    found = 0
    for path in Path("/proc/self/task").glob("*/comm"):
        with suppress(OSError):
            found += path.read_text().startswith("rdk:")
    return found


async def test_an_application_that_has_ended_leaves_no_client_of_kafka(migrated: Settings) -> None:
    """Its threads would otherwise run until the application is collected."""
    before = kafka_threads()
    async with serving(migrated) as one:
        await one.json("POST", "/v1/feedback", json={"prediction": "0-0-0", "label": "1"}, status=202)
        await one.context.health.probe_all()
        assert kafka_threads() > before
    assert kafka_threads() == before


async def test_a_server_that_has_lost_a_task_ends(migrated: Settings) -> None:
    """Instead of answering from outdated state; the log has the reason."""

    async def fail() -> None:
        raise RuntimeError("out of words")

    async with served(migrated, lambda app: None) as server:
        with capture_logs() as said:
            server.app[BACKGROUND].start("doomed", fail())
            assert await server.ended == 1
    (crashed,) = (one for one in said if one["event"] == "crashed")
    assert crashed["task"] == "doomed"
    assert isinstance(crashed["exc_info"], RuntimeError)


async def test_a_body_that_does_not_come_is_not_waited_for(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_STALL_S", 0.05)
    reader, writer = await asyncio.open_connection(HOST, client.http.port)
    writer.write(b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\n")
    writer.write(b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
    assert b" 408 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


async def refused(settings: Settings, head: bytes, status: int, kind: str) -> None:
    """The request is answered with that problem, though the middleware never runs."""
    async with served(settings, lambda app: None) as server, raw(server) as (reader, writer):
        writer.write(head)
        said, _, body = (await reader.read()).partition(b"\r\n\r\n")
    assert f" {status} ".encode() in said.splitlines()[0]
    problem = json.loads(body)
    assert (problem["type"], problem["status"]) == (f"urn:relearn:problem:{kind}", status)
    for header in ("Content-Type: application/problem+json", f"X-Request-Id: {problem['request_id']}", "nosniff"):
        assert header.encode() in said


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(
    "head",
    [
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 10_000 + b"\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\n" + b"X-Many: x\r\n" * 100 + b"\r\n",
        b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
    ],
    ids=["a long header", "many headers", "a long path", "no HTTP"],
)
async def test_a_head_that_is_too_large_or_none_is_a_problem_too(
    migrated: Settings, head: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a log line: any client could fill the log."""
    await refused(migrated, head, 400, "malformed")
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("path", [b"/livez", b"/v1/predict", b"/v1/nothing"])
async def test_an_expectation_that_is_not_known_is_a_problem_too(migrated: Settings, path: bytes) -> None:
    head = b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: \xff\r\n\r\n"
    await refused(migrated, head, 417, "expectation-failed")


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br"])
async def test_a_body_that_can_not_be_unpacked_is_not_in_the_log(
    migrated: Settings, coding: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether the body is read or the request was rejected before: any client could fill the log."""
    async with served(migrated, lambda app: None) as server:
        for path in (b"/v1/predict", b"/v1/nothing"):
            async with raw(server) as (reader, writer):
                writer.write(b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n")
                writer.write(b"Content-Type: application/json\r\nContent-Encoding: " + coding + b"\r\n")
                writer.write(b"Content-Length: 10\r\n\r\n\x1f")
                if path == b"/v1/nothing":
                    await reader.readuntil(b"\r\n\r\n")
                writer.write(b"no coding")
                await reader.read()
    assert not [one for one in caplog.records if one.name.startswith("aiohttp")]


def test_a_port_that_is_taken_is_an_error_in_one_line() -> None:
    """Also by another server that shares its port among its own processes."""
    port = free_ports().valkey
    for take in (listen, reserve):
        held = take(HOST, port)
        shared = share(held) if take is reserve else held
        for one in shared:
            one.listen()
        for want in (listen, reserve):
            with pytest.raises(SetupError, match=f"127.0.0.1 port {port} is taken; choose another with --port"):
                want(HOST, port)
        for one in {*held, *shared}:
            one.close()


def test_a_host_that_is_none_is_an_error() -> None:
    with pytest.raises(SettingsError, match="RELEARN_API_HOST=no such host"):
        listen("no such host", 1)
    with pytest.raises(SetupError, match="can't listen on 192"):
        listen("192.0.2.1", 1)
