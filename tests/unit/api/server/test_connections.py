"""Connections: half-sent requests, clients that don't read, and room for probes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiohttp import web

from relearn.api.server import connections
from relearn.api.server.background import BACKGROUND, Background
from relearn.api.server.connections import Connections
from relearn.api.server.listening import listen
from relearn.api.server.serve import serve_until

HOST = "127.0.0.1"
LIMIT = 32
HALF = b"GET /v1/stats HTTP/1.1\r\nHost: localhost\r\nX-"
LIVE = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def live(_: web.Request) -> web.Response:
    return web.Response(text="{}")


@asynccontextmanager
async def served(other: Handler = live, *, limit: int = LIMIT) -> AsyncIterator[int]:
    """The port of a server of `/livez`, and of `other` at `/other`."""
    app = web.Application()
    app[BACKGROUND] = Background()
    app.router.add_get("/livez", live)
    app.router.add_get("/other", other)
    stop, up = asyncio.Event(), asyncio.Event()
    (listening,) = listen(HOST, 0)
    ended = asyncio.ensure_future(serve_until(stop, app, [listening], up.set, limit=limit))
    await up.wait()
    try:
        yield listening.getsockname()[1]
    finally:
        stop.set()
        await ended
        await app[BACKGROUND].stop()


@asynccontextmanager
async def raw(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def status_of(reader: asyncio.StreamReader) -> int:
    """The status of the next response; 0: closed without one."""
    line = await asyncio.wait_for(reader.readline(), 20)
    return int(line.split()[1]) if line else 0


async def problem_of(reader: asyncio.StreamReader) -> tuple[bytes, str]:
    """The head of the only response on a connection, and its problem's type."""
    head, _, body = (await asyncio.wait_for(reader.read(), 20)).partition(b"\r\n\r\n")
    return head, str(json.loads(body)["type"]).rpartition(":")[2]


@asynccontextmanager
async def sent(
    port: int, count: int, head: bytes = HALF
) -> AsyncIterator[list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]:
    """Connections that have sent `head`, one after the other."""
    async with AsyncExitStack() as stack:
        opened = []
        for _ in range(count):
            reader, writer = await stack.enter_async_context(raw(port))
            writer.write(head)
            await writer.drain()
            opened.append((reader, writer))
        yield opened


async def test_half_sent_requests_give_way() -> None:
    """The oldest are closed; the next client is answered, and so is a connection that was in use before."""
    async with served() as port, raw(port) as (kept, kept_writer):
        kept_writer.write(LIVE)
        assert await status_of(kept) == 200
        await kept.readuntil(b"{}")
        async with sent(port, 3 * LIMIT) as opened:
            for reader, _ in opened[: 2 * LIMIT]:
                assert await status_of(reader) in {0, 503}
            async with raw(port) as (reader, writer):
                writer.write(LIVE)
                assert await status_of(reader) == 200
            kept_writer.write(LIVE)
            assert await status_of(kept) == 200
            newest, writer = opened[-1]
            writer.write(b"Rest: 1\r\n\r\n")
            assert await status_of(newest) == 404


async def test_a_head_that_is_late_is_answered_and_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection on which nothing began is closed silently; one that is kept alive stays."""
    monkeypatch.setattr(connections, "HEAD_TIMEOUT_S", 0.2)
    monkeypatch.setattr(connections, "_SWEEP_EVERY_S", 0.02)
    async with served() as port, raw(port) as (kept, kept_writer):
        kept_writer.write(LIVE)
        assert await status_of(kept) == 200
        async with raw(port) as (silent, _), raw(port) as (late, late_writer):
            late_writer.write(HALF)
            head, kind = await problem_of(late)
            assert b" 408 " in head.splitlines()[0]
            assert kind == "request-timeout"
            assert await silent.read() == b""
        await kept.readuntil(b"{}")
        kept_writer.write(LIVE)
        assert await status_of(kept) == 200


async def test_a_head_of_many_headers_is_refused() -> None:
    """Each of them is below aiohttp's limit of a header."""
    async with served() as port, raw(port) as (reader, writer):
        writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n")
        for _ in range(5):
            writer.write(b"X-Long: " + b"x" * 8000 + b"\r\n")
        head, kind = await problem_of(reader)
        assert b" 400 " in head.splitlines()[0]
        assert kind == "malformed"


async def test_probes_have_room_beside_requests_that_do_not_end() -> None:
    """Other requests are answered with 503 and `Retry-After`."""
    go_on = asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        await go_on.wait()
        return web.Response(text="{}")

    other = b"GET /other HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with served(slow) as port, sent(port, LIMIT // 2, other) as busy:
        async with raw(port) as (reader, writer):
            writer.write(other)
            head, kind = await problem_of(reader)
            assert b"Retry-After: 1" in head
            assert kind == "unavailable"
        async with raw(port) as (reader, writer):
            writer.write(LIVE)
            assert await status_of(reader) == 200
        go_on.set()
        for reader, _ in busy:
            assert await status_of(reader) == 200


async def test_a_client_that_does_not_read_its_response_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its handler ends, and the response's memory is given back."""
    monkeypatch.setattr(connections, "WRITE_TIMEOUT_S", 0.2)
    monkeypatch.setattr(connections, "_SWEEP_EVERY_S", 0.02)
    cut = asyncio.Event()

    async def large(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            for _ in range(64):
                await response.write(bytes(2**20))
        except ConnectionError:
            cut.set()
        return response

    async with served(large) as port:
        _, writer = await asyncio.open_connection(HOST, port, limit=1)
        writer.write(b"GET /other HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await asyncio.wait_for(cut.wait(), 20)
        writer.transport.abort()


class Fake:
    """A connection that records what is done with it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.unsent_bytes = 0
        self.end: str | None = None

    def expire(self) -> None:
        self.end = "expired"

    def evict(self) -> None:
        self.end = "evicted"

    def cut(self) -> None:
        self.end = "cut"


async def test_one_address_never_gets_more_than_its_share() -> None:
    """Whatever it does, another address is admitted; idle connections go after waiting ones, and busy ones never."""
    held = Connections(8, spare=2)
    taken: list[Fake] = []

    def add_busy(address: str) -> bool | None:
        one = Fake(address)
        admitted = held.add(one)
        if admitted is not None:
            held.busy(one)
            taken.append(one)
        return admitted

    assert [add_busy("a") for _ in range(3)] == [True] * 3
    idle, waiting, newer = Fake("a"), Fake("a"), Fake("a")
    assert held.add(idle)
    held.idle(idle)
    assert held.add(waiting)
    assert idle.end == "evicted"
    assert held.add(newer)
    assert (waiting.end, len(held)) == ("evicted", 4)
    held.remove(newer)
    assert [add_busy("a") for _ in range(4)] == [True, False, None, None]
    assert [add_busy(name) for name in "bbb"] == [True] * 3
    assert [add_busy(name) for name in "cdef"] == [False, False, None, None]
    assert {one.end for one in taken} == {None}
    for one in taken:
        held.remove(one)
    assert len(held) == 0
    assert add_busy("g")
