"""The live events of one process: all clients that listen here get what its one reader brings.

While Redis is away they stay, and get comments; when it is back they go on, with a `reset` if something may be missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager, suppress

import msgspec
import structlog

from relearn.agents.stores.live.events import Entry, order
from relearn.agents.stores.redis import open_redis
from relearn.api.events.client_queue import EventStream
from relearn.api.events.merge import written
from relearn.api.events.reader import WAIT_S, EventReader
from relearn.api.http.problems import Failure
from relearn.schemas.errors import RedisUnavailable
from relearn.schemas.http.events import EventType, ResetEvent
from relearn.schemas.settings import Settings

log = structlog.get_logger()

MOST_STREAMS = 500
#: A client that heard nothing for so long gets a comment.
HEARTBEAT_S = 15.0
_TEND_EVERY_S = 0.5
_LAST_WORD_S = 1.0
#: When to come again: after a connection was lost, and after an end that was announced.
_HELLO = b"retry: 2000\n\n"
_GOODBYE = b"retry: 1000\n\n"


class LiveEvents:
    """One process. `read` and `tend` must run for as long as it is used."""

    def __init__(self, settings: Settings) -> None:
        self.most = MOST_STREAMS
        self.heartbeat_s = HEARTBEAT_S
        self._redis = open_redis(settings, answers_within_s=WAIT_S + 2)
        self._reader = EventReader(self._redis, settings.namespace, self._tell, self._begun)
        self._streams: set[EventStream] = set()
        self._nobody = asyncio.Event()
        self._closing = False

    @property
    def listeners(self) -> int:
        """How many clients there are."""
        return len(self._streams)

    async def read(self) -> None:
        """Bring what comes to the clients, for ever."""
        await self._reader.run()

    async def tend(self) -> None:
        """Let go of clients that are gone, and give those a comment that heard nothing for long; for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_TEND_EVERY_S)
            silent_since_s = loop.time() + _TEND_EVERY_S - self.heartbeat_s
            for stream in self._streams:
                if stream.gone:
                    stream.end()
                elif stream.live and stream.given_s <= silent_since_s:
                    stream.put(b": still here\n" + (b"\n" if stream.unsure else self._here()))

    @contextmanager
    def opened(
        self, connection: Callable[[], asyncio.Transport | None], types: frozenset[EventType]
    ) -> Iterator[EventStream]:
        """A client, for as long as the block runs.

        Raises:
            Failure: there are too many, or this process is about to end.
        """
        if self._closing or len(self._streams) >= self.most:
            why = "is about to end" if self._closing else f"serves {self.most} streams already"
            headers = {"Retry-After": "1" if self._closing else "5"}
            raise Failure("unavailable", f"This process {why}; come again.", headers=headers)
        stream = EventStream(connection, types)
        self._streams.add(stream)
        self._nobody.clear()
        try:
            yield stream
        finally:
            stream.ended = True
            self._streams.discard(stream)
            if not self._streams:
                self._nobody.set()

    async def chunks(self, stream: EventStream, after: str | None) -> AsyncGenerator[bytes, None]:
        """What to send to this client until it is to be disconnected; first what it has missed since event `after`."""
        yield _HELLO
        lost = False
        try:
            while after is not None and self._reader.reads and not stream.ended:
                missed = await self._reader.missed(after)
                if missed is None:
                    lost = True
                    break
                after, entries = missed
                if chunk := written(entries, stream.types):
                    yield chunk
                if order(after) >= order(self._reader.place):
                    break  # and nothing is awaited until it is live: what comes then would pass it by
        except RedisUnavailable as exc:
            log.debug("resume_failed", error=str(exc))
            lost = True
        self._go_live(stream, lost=lost)
        while chunk := await stream.next():
            yield chunk

    async def close_streams(self) -> None:
        """End all streams, with a last word on when to come again; whoever doesn't take it in time is disconnected."""
        self._closing = True
        for stream in self._streams:
            stream.end(_GOODBYE)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORD_S):
                while self._streams:
                    await self._nobody.wait()
        for stream in self._streams:
            stream.drop()

    async def close(self) -> None:
        """Disconnect from Redis."""
        await self._redis.aclose()

    def _go_live(self, stream: EventStream, *, lost: bool) -> None:
        stream.live = True
        stream.unsure = not self._reader.reads
        if self._reader.reads:
            stream.put(
                self._reset("what came after the event that was named is no longer kept") if lost else self._here()
            )

    def _tell(self, entries: list[Entry]) -> None:
        by_types: dict[frozenset[EventType], bytes] = {}
        for stream in self._streams:
            if stream.live:
                if stream.types not in by_types:
                    by_types[stream.types] = written(entries, stream.types)
                stream.put(by_types[stream.types])

    def _begun(self, lost: bool) -> None:
        for stream in self._streams:
            if stream.live and (lost or stream.unsure):
                stream.unsure = False
                stream.put(self._reset("Redis was away, and events may have been lost"))

    def _here(self) -> bytes:
        """Moves the place that a client goes on from, and is no event."""
        return f"id: {self._reader.place}\n\n".encode()

    def _reset(self, why: str) -> bytes:
        event = Entry(self._reader.place, "reset", msgspec.json.encode(ResetEvent(why)).decode())
        return written([event], frozenset())
