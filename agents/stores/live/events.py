"""Live events in Redis: one stream per namespace. Agents append what the database has committed; the API reads.

The ids are Redis' own, and only rise. About 10,000 entries are kept. While Redis is away events are dropped, never
queued. A process that may have dropped events appends a `reset` first when Redis answers again, and when it starts:
the process before it may have died between its commit and its events.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any, NamedTuple

import msgspec
import structlog
from redis.asyncio.client import Pipeline

from relearn.agents.stores.redis import Redis, redis_errors
from relearn.schemas.errors import RedisUnavailable
from relearn.schemas.http.events import EVENTS, EventData, EventType, ResetEvent

log = structlog.get_logger()

KEPT = 10_000
DROPPED = "events were dropped while Redis was away"
#: Before all events.
NOWHERE = "0-0"
#: No append takes longer than this, whatever Redis does.
_WRITE_S = 1.0
_NAMES: dict[type[EventData], EventType] = {kind: name for name, kind in EVENTS.items()}
_encode = msgspec.json.Encoder().encode


_ID = re.compile(r"([0-9]{1,20})-([0-9]{1,20})")
_LARGEST = 2**64 - 1


class Entry(NamedTuple):
    """One event of the stream; `data` is one line of JSON, of the type that `EVENTS` has for `type`."""

    id: str
    type: str
    data: str


def stream_key(namespace: str) -> str:
    """The Redis key of the stream."""
    return f"{namespace}:events"


def put_events(pipe: Pipeline, namespace: str, *events: EventData) -> None:
    """Put into `pipe` what appends events."""
    for event in events:
        fields: Any = {"type": _NAMES[type(event)], "data": _encode(event)}
        pipe.xadd(stream_key(namespace), fields, maxlen=KEPT, approximate=True)


class EventLog:
    """Appends for one process. While Redis is away that does nothing and costs nothing."""

    def __init__(self, redis: Redis, namespace: str) -> None:
        self._redis = redis
        self._namespace = namespace
        self._why = "a worker has started"
        #: False until `tend` has found Redis answering.
        self.available = False

    async def append(self, *events: EventData) -> None:
        """Append events, or drop them; then `tend` will append a `reset`."""
        if events and self.available:
            await self._write(*events)

    async def tend(self) -> None:
        """Begin, or begin again, with a `reset`, if Redis answers; call it at start and each second or so."""
        if not self.available:
            # Appends go on from here, so that nothing is dropped after the `reset`.
            self.available = True
            await self._write(ResetEvent(self._why))

    async def _write(self, *events: EventData) -> None:
        try:
            with redis_errors():
                async with asyncio.timeout(_WRITE_S), self._redis.pipeline(transaction=False) as pipe:
                    put_events(pipe, self._namespace, *events)
                    await pipe.execute()
        except RedisUnavailable as exc:
            log.warning("events_dropped", error=str(exc))
            self.available, self._why = False, DROPPED


async def edges(redis: Redis, namespace: str) -> tuple[str, str]:
    """The ids of the oldest and the newest entry; twice NOWHERE where there is none.

    Raises:
        RedisUnavailable: Retryable.
    """
    key = stream_key(namespace)
    with redis_errors():
        async with redis.pipeline(transaction=False) as pipe:
            pipe.xrange(key, count=1)
            pipe.xrevrange(key, count=1)
            first, last = await pipe.execute()
    return (first[0][0], last[0][0]) if first and last else (NOWHERE, NOWHERE)


async def missed_entries(redis: Redis, namespace: str, after: str, upto: str, count: int) -> list[Entry] | None:
    """The first `count` entries after the id `after`, up to `upto`; None where some after it are no longer kept.

    Raises:
        RedisUnavailable: Retryable.
    """
    if order(after) < order(NOWHERE):
        return None
    key = stream_key(namespace)
    with redis_errors():
        async with redis.pipeline(transaction=False) as pipe:
            pipe.xrange(key, min=f"({after}", max=upto, count=count)
            # Read last: entries that still exist now existed when the entries above were read.
            pipe.xrange(key, count=1)
            pipe.xrevrange(key, count=1)
            found, first, last = await pipe.execute()
    return _entries(found) if first and last and kept(after, first[0][0], last[0][0]) else None


async def next_entries(redis: Redis, namespace: str, after: str, count: int, *, wait_s: float) -> list[Entry]:
    """The first `count` entries after the id `after`, waiting up to `wait_s` for the first.

    Raises:
        RedisUnavailable: Retryable.
    """
    key = stream_key(namespace)
    with redis_errors():
        found: Any = await redis.xread({key: after}, count=count, block=round(1000 * wait_s))
    if not found:
        return []
    # The driver's answer has another form with `protocol=3` in the URL.
    return _entries(found[key][0] if isinstance(found, dict) else found[0][1])


def kept(event_id: str, first: str, last: str) -> bool:
    """Whether nothing after the entry `event_id` was lost, in a stream with these edges."""
    return order(first) <= order(event_id) <= order(last)


def order(event_id: str) -> tuple[int, int]:
    """The sort key of an id; an invalid id sorts below all others."""
    found = _ID.fullmatch(event_id)
    numbers = (int(found[1]), int(found[2])) if found else (-1, 0)
    return numbers if max(numbers) <= _LARGEST else (-1, 0)


def _entries(found: list[Any]) -> list[Entry]:
    """The entries; one that no process of this program wrote keeps its id and has no type that readers select."""
    return [Entry(event_id, fields.get("type", ""), fields.get("data", "")) for event_id, fields in found]
