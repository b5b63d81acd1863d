"""The live events of one process: its one reader feeds all clients connected here.

While Redis is away, clients stay connected and get heartbeats. When Redis is back they get new events, after a `reset`
if events may be missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager, suppress

import msgspec
import structlog

from relearn.agents.stores.live.events import Entry, order
from relearn.agents.stores.redis import open_redis
from relearn.api.events.client_queue import ClientQueue
from relearn.api.events.merge import encode_events
from relearn.api.events.reader import WAIT_S, EventReader
from relearn.api.http.budget import Seats
from relearn.api.http.problems import RETRY, ProblemError
from relearn.schemas.errors import RedisUnavailable
from relearn.schemas.http.events import EventType, ResetEvent
from relearn.schemas.settings import Settings

log = structlog.get_logger()

MAX_CLIENTS = 500
#: Maximum number of streams of one API key or address.
MAX_PER_CLIENT = 200
#: A client that was sent nothing for this long gets a comment.
HEARTBEAT_S = 15.0
_CHECK_EVERY_S = 0.5
_LAST_CHUNK_TIMEOUT_S = 1.0
#: Reconnect delays: after a lost connection, and after an announced end.
_FIRST_CHUNK = b"retry: 2000\n\n"
_LAST_CHUNK = b"retry: 1000\n\n"


class EventHub:
    """The clients of one process. `read` and `send_heartbeats` must run while it is used."""

    def __init__(self, settings: Settings) -> None:
        self.seats = Seats(MAX_CLIENTS, MAX_PER_CLIENT, "streams")
        self.heartbeat_s = HEARTBEAT_S
        self._redis = open_redis(settings, answers_within_s=WAIT_S + 2)
        self._reader = EventReader(self._redis, settings.namespace, self._dispatch, self._reading_began)
        self._clients: set[ClientQueue] = set()
        self._no_clients = asyncio.Event()
        self._closing = False

    @property
    def clients(self) -> int:
        """The number of connected clients."""
        return len(self._clients)

    async def read(self) -> None:
        """Read events and dispatch them to the clients. Never returns."""
        await self._reader.run()

    async def send_heartbeats(self) -> None:
        """End queues of disconnected clients, and send a comment to idle ones. Never returns."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_CHECK_EVERY_S)
            idle_since_s = loop.time() + _CHECK_EVERY_S - self.heartbeat_s
            for client in self._clients:
                if client.gone:
                    client.end()
                elif client.live and client.last_put_s <= idle_since_s:
                    client.put(b": still here\n" + (b"\n" if client.unsure else self._place()))

    @contextmanager
    def connect(
        self, name: str, connection: Callable[[], asyncio.Transport | None], types: frozenset[EventType]
    ) -> Iterator[ClientQueue]:
        """A client while the block runs. `name`: its API key or address.

        Raises:
            ProblemError: too many streams, of all clients or of this one, or the process is shutting down.
        """
        if self._closing:
            raise ProblemError("unavailable", "This process is shutting down; reconnect.", headers=RETRY)
        with self.seats.seat(name):
            client = ClientQueue(connection, types)
            self._clients.add(client)
            self._no_clients.clear()
            try:
                yield client
            finally:
                client.ended = True
                self._clients.discard(client)
                if not self._clients:
                    self._no_clients.set()

    async def chunks(self, client: ClientQueue, after: str | None) -> AsyncGenerator[bytes, None]:
        """The chunks to send until the client is to be disconnected, first the events that it missed since `after`."""
        yield _FIRST_CHUNK
        lost = False
        try:
            while after is not None and self._reader.reads and not client.ended:
                missed = await self._reader.missed(after)
                if missed is None:
                    lost = True
                    break
                after, entries = missed
                if chunk := encode_events(entries, client.types):
                    yield chunk
                if order(after) >= order(self._reader.place):
                    break  # no await from here until the client is live: events dispatched meanwhile would be lost
        except RedisUnavailable as exc:
            log.debug("resume_failed", error=str(exc))
            lost = True
        self._go_live(client, lost=lost)
        while chunk := await client.next():
            yield chunk

    async def close_streams(self) -> None:
        """End all streams with a reconnect delay. Clients that don't read it within a second are disconnected."""
        self._closing = True
        for client in self._clients:
            client.end(_LAST_CHUNK)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_CHUNK_TIMEOUT_S):
                while self._clients:
                    await self._no_clients.wait()
        for client in self._clients:
            client.drop()

    async def close(self) -> None:
        """Disconnect from Redis."""
        await self._redis.aclose()

    def _go_live(self, client: ClientQueue, *, lost: bool) -> None:
        client.live = True
        client.unsure = not self._reader.reads
        if self._reader.reads:
            client.put(self._reset("events after the given id are no longer stored") if lost else self._place())

    def _dispatch(self, entries: list[Entry]) -> None:
        by_types: dict[frozenset[EventType], bytes] = {}
        for client in self._clients:
            if client.live:
                if client.types not in by_types:
                    by_types[client.types] = encode_events(entries, client.types)
                client.put(by_types[client.types])

    def _reading_began(self, lost: bool) -> None:
        for client in self._clients:
            if client.live and (lost or client.unsure):
                client.unsure = False
                client.put(self._reset("Redis was away, and events may have been lost"))

    def _place(self) -> bytes:
        """Moves the client's `Last-Event-ID`; not an event."""
        return f"id: {self._reader.place}\n\n".encode()

    def _reset(self, why: str) -> bytes:
        event = Entry(self._reader.place, "reset", msgspec.json.encode(ResetEvent(why)).decode())
        return encode_events([event], frozenset())
