"""TLS in front of a server that was built without it, as the packages of Postgres and Valkey are.

Clients speak TLS, as they would with a server that has it itself; what they say is passed on to the real one.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl

from relearn.scripts.embedded.servers.ports import LOOPBACK
from tests.support.servers.certificates import Signed

#: Postgres' first message of a client that requests TLS: a length and a code. The answer is one letter.
SSL_REQUEST = (8).to_bytes(4) + (80877103).to_bytes(4)

#: Turns of the event loop between the acceptance of a connection and the start of its task.
_TURNS_UNTIL_TAKEN = 5


class TlsRelay:
    """One port that takes TLS alone. Used within one event loop."""

    def __init__(self, certificate: Signed, port_behind: int, *, asked_first: bool = False) -> None:
        """`asked_first`: clients ask for TLS as Postgres' do, and are turned away if they don't."""
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificate.cert, certificate.key)
        self._port_behind = port_behind
        self._asked_first = asked_first
        self._server: asyncio.Server | None = None
        self._taken: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def open(self) -> int:
        """The port."""
        context = None if self._asked_first else self._context
        self._server = await asyncio.start_server(self._take, LOOPBACK, 0, ssl=context)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Drop every connection."""
        assert self._server is not None
        self._server.close()
        for _ in range(_TURNS_UNTIL_TAKEN):
            await asyncio.sleep(0)
        for writer in self._taken.values():
            writer.transport.abort()
        await asyncio.gather(*self._taken)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._taken[task] = writer
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if self._asked_first:
                await self._agree(reader, writer)
            await self._relay(reader, writer)
        await _close(writer)
        del self._taken[task]

    async def _agree(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readexactly(len(SSL_REQUEST)) != SSL_REQUEST:
            raise ConnectionAbortedError
        writer.write(b"S")
        await writer.start_tls(self._context)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until either side has said all."""
        inner_reader, inner_writer = await asyncio.open_connection(LOOPBACK, self._port_behind)
        ways = [asyncio.create_task(_pump(reader, inner_writer)), asyncio.create_task(_pump(inner_reader, writer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        await _close(inner_writer)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
