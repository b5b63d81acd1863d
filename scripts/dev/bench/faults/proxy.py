"""A TCP proxy in front of one server: connections can be cut, delayed, or kept open without passing a byte."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

from relearn.scripts.embedded.servers.ports import LOOPBACK

_READ_BYTES = 65_536
#: Reads of one direction that may wait for their delay; beyond it the sender is held up.
_IN_TRANSIT = 256


@dataclass(eq=False)
class _Connection:
    """A client's connection and the one to the server. `open_way` is cleared while no byte may pass."""

    writers: list[asyncio.StreamWriter]
    open_way: asyncio.Event = field(default_factory=asyncio.Event)

    def abort(self) -> None:
        for writer in self.writers:
            writer.transport.abort()


class Proxy:
    """Passes bytes between `port` and `target_port` of loopback. Every method runs on one event loop."""

    def __init__(self, target_port: int, port: int = 0) -> None:
        self.port = port
        self.delay_s = 0.0
        """Added to each read of each direction."""
        self.accepted = 0
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], _Connection] = {}
        self._silent = self._refusing = False

    async def open(self) -> int:
        """Listen; returns the port."""
        self._server = await asyncio.start_server(self._accept, LOOPBACK, self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    async def close(self) -> None:
        """Abort every connection and stop listening."""
        assert self._server is not None
        self._server.close()
        await self.cut()

    async def cut(self, *, refuse: bool = False) -> None:
        """Abort every connection. `refuse`: until `mend`, new ones are aborted at once, too."""
        self._refusing = refuse
        for connection in self._connections.values():
            connection.abort()
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def silence(self, *, new: bool) -> None:
        """No byte passes on the connections that are open, which stay open. `new`: nor on those that follow."""
        self._silent = new
        for connection in self._connections.values():
            connection.open_way.clear()

    async def mend(self) -> None:
        """Bytes pass again, those held up first; new connections are accepted; there is no delay."""
        self._silent = self._refusing = False
        self.delay_s = 0.0
        for connection in self._connections.values():
            connection.open_way.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.accepted += 1
        if self._refusing:
            writer.transport.abort()
            return
        connection = _Connection([writer])
        if not self._silent:
            connection.open_way.set()
        self._connections[task] = connection
        try:
            # A server that is away refuses; a connection that ends is aborted on both sides.
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await connection.open_way.wait()
                there_reader, there_writer = await asyncio.open_connection(LOOPBACK, self._target_port)
                connection.writers.append(there_writer)
                ways = [
                    asyncio.create_task(self._pass(reader, there_writer, connection)),
                    asyncio.create_task(self._pass(there_reader, writer, connection)),
                ]
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)
        finally:
            connection.abort()
            self._connections.pop(task, None)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: _Connection) -> None:
        """One direction, until its sender closes it."""
        loop = asyncio.get_running_loop()
        transit: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_IN_TRANSIT)

        async def deliver() -> None:
            while True:
                due, data = await transit.get()
                if (left := due - loop.time()) > 0:
                    await asyncio.sleep(left)
                await connection.open_way.wait()
                if not data:
                    return
                writer.write(data)
                await writer.drain()

        delivering = asyncio.create_task(deliver())
        try:
            while True:
                await connection.open_way.wait()
                data = await reader.read(_READ_BYTES)
                await transit.put((loop.time() + self.delay_s, data))
                if not data:
                    break
            await delivering
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            delivering.cancel()
            await asyncio.gather(delivering, return_exceptions=True)
