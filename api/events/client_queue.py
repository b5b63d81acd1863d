"""The queue of one client of the live events: bounded, and ended when the client disconnects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from relearn.schemas.http.events import EventType

log = structlog.get_logger()

#: A client with this much unsent data when more comes is disconnected.
MAX_WAITING_BYTES = 256 * 1024


class ClientQueue:
    """One client. `connection()` returns its transport, None after it disconnected."""

    def __init__(self, connection: Callable[[], asyncio.Transport | None], types: frozenset[EventType]) -> None:
        self.types = types
        #: Whether the client gets new events; before, it is sent the events that it missed.
        self.live = False
        #: Whether the client may have missed events, and needs a `reset` once Redis is back.
        self.unsure = False
        self.ended = False
        #: Time of the last chunk, by the event loop's clock.
        self.last_put_s = 0.0
        self._connection = connection
        self._waiting: list[bytes] = []
        self._bytes = 0
        self._has_data = asyncio.Event()

    @property
    def gone(self) -> bool:
        """Whether the client has disconnected."""
        connection = self._connection()
        return connection is None or connection.is_closing()

    def put(self, chunk: bytes) -> None:
        """Queue `chunk`, or disconnect a client that doesn't read."""
        if self.ended or not chunk:
            return
        if self._bytes >= MAX_WAITING_BYTES:
            log.info("slow_client_disconnected", waiting_bytes=self._bytes)
            self.drop()
            return
        self._waiting.append(chunk)
        self._bytes += len(chunk)
        self.last_put_s = asyncio.get_running_loop().time()
        self._has_data.set()

    async def next(self) -> bytes:
        """Wait for data, then return all of it; empty at the end."""
        await self._has_data.wait()
        chunk = b"".join(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        if not self.ended:
            self._has_data.clear()
        return chunk

    def end(self, last: bytes = b"") -> None:
        """End the stream after the waiting data and `last`."""
        self.put(last)
        self.ended = True
        self._has_data.set()

    def drop(self) -> None:
        """Disconnect at once; waiting data is not sent."""
        self._waiting.clear()
        self.ended = True
        self._has_data.set()
        connection = self._connection()
        if connection is not None:
            connection.abort()
