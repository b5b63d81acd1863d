"""What one client of the live events is still to be sent: bounded, and at an end when the client is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from relearn.schemas.http.events import EventType

log = structlog.get_logger()

#: Whoever has so much waiting when more comes is too slow.
MOST_BYTES = 256 * 1024


class EventStream:
    """One client. `connection()` is what it is connected by, None once it is gone."""

    def __init__(self, connection: Callable[[], asyncio.Transport | None], types: frozenset[EventType]) -> None:
        self.types = types
        #: Whether it gets what comes; until then it is being sent what it has missed.
        self.live = False
        #: Whether it may have missed something, and has to be told when that can be known.
        self.unsure = False
        self.ended = False
        #: When it was last given something, by the event loop's clock.
        self.given_s = 0.0
        self._connection = connection
        self._waiting: list[bytes] = []
        self._bytes = 0
        self._something = asyncio.Event()

    @property
    def gone(self) -> bool:
        """Whether nobody listens any more."""
        connection = self._connection()
        return connection is None or connection.is_closing()

    def put(self, chunk: bytes) -> None:
        """Have `chunk` sent, or disconnect a client that doesn't read."""
        if self.ended or not chunk:
            return
        if self._bytes >= MOST_BYTES:
            log.info("slow_reader_dropped", waiting_bytes=self._bytes)
            self.drop()
            return
        self._waiting.append(chunk)
        self._bytes += len(chunk)
        self.given_s = asyncio.get_running_loop().time()
        self._something.set()

    async def next(self) -> bytes:
        """All that waits, as soon as there is something; nothing at the end."""
        await self._something.wait()
        chunk = b"".join(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        if not self.ended:
            self._something.clear()
        return chunk

    def end(self, last: bytes = b"") -> None:
        """Let it end when what waits, and `last`, has been sent."""
        self.put(last)
        self.ended = True
        self._something.set()

    def drop(self) -> None:
        """Disconnect at once; what waits is not sent."""
        self._waiting.clear()
        self.ended = True
        self._something.set()
        connection = self._connection()
        if connection is not None:
            connection.abort()
