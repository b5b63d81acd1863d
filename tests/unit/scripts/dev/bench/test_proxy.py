"""The proxy of the fault suite: bytes pass, connections are cut, kept open in silence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest

from relearn.scripts.dev.bench.faults.proxy import Proxy

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Connection]]


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(1000):
            writer.write(data)
    await _closed(writer)


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def _echoed(connection: Connection, data: bytes) -> bytes:
    connection[1].write(data)
    return await connection[0].readexactly(len(data))


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    made = Proxy(server.sockets[0].getsockname()[1])
    await made.open()
    yield made
    await made.close()
    server.close()
    await server.wait_closed()


@pytest.fixture
async def connect(proxy: Proxy) -> AsyncIterator[Connect]:
    """Opens connections through the proxy, which are closed at the end."""
    opened: list[Connection] = []

    async def one() -> Connection:
        opened.append(await asyncio.open_connection("127.0.0.1", proxy.port))
        return opened[-1]

    yield one
    for _, writer in opened:
        await _closed(writer)


async def test_what_is_sent_arrives_and_an_end_is_passed_on(connect: Connect) -> None:
    connection, large = await connect(), bytes(range(256)) * 8_000
    assert await _echoed(connection, large) == large
    connection[1].write_eof()
    assert await connection[0].read() == b""


async def test_a_cut_ends_open_connections_and_new_ones_work(proxy: Proxy, connect: Connect) -> None:
    old = await connect()
    assert await _echoed(old, b"one") == b"one"
    await proxy.cut()
    with pytest.raises((OSError, asyncio.IncompleteReadError)):
        await _echoed(old, b"two")
    assert await _echoed(await connect(), b"three") == b"three"


async def test_a_silent_connection_stays_open_and_what_was_held_arrives_later(proxy: Proxy, connect: Connect) -> None:
    old = await connect()
    assert await _echoed(old, b"one") == b"one"
    await proxy.silence(new=False)
    waiting = asyncio.create_task(_echoed(old, b"two"))
    assert await _echoed(await connect(), b"three") == b"three"
    assert not waiting.done()
    await proxy.mend()
    assert await waiting == b"two"


async def test_silence_for_new_connections_lasts_until_it_is_mended(proxy: Proxy, connect: Connect) -> None:
    await proxy.silence(new=True)
    waiting = asyncio.create_task(_echoed(await connect(), b"one"))
    while proxy.accepted == 0:  # noqa: ASYNC110 - the proxy's own count
        await asyncio.sleep(0)
    assert not waiting.done()
    await proxy.mend()
    assert await waiting == b"one"
