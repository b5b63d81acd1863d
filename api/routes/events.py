"""Live events: the stream of one client, from its first byte to its last."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import cast, get_args

import structlog
from aiohttp import ClientConnectionError, web

from relearn.api.http.call import Call, Handlers
from relearn.schemas.http.events import EventsQuery, EventType

log = structlog.get_logger()

#: A client that takes nothing for so long is disconnected.
_TAKES_WITHIN_S = 30.0
_HEADERS = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}


async def events(call: Call[None, EventsQuery, None]) -> web.StreamResponse:
    """Send what happens until the client is gone, is too slow, or this process ends."""
    after = call.request.headers.get("Last-Event-ID") or call.query.last_event_id or None
    live, request = call.context.events, call.request
    with live.opened(lambda: request.transport, asked_types(call.query.types)) as stream:
        response = web.StreamResponse(headers=_HEADERS)
        try:
            await response.prepare(request)
            async with aclosing(live.chunks(stream, after)) as chunks:
                async for chunk in chunks:
                    async with asyncio.timeout(_TAKES_WITHIN_S):
                        await response.write(chunk)
        except TimeoutError:
            stream.drop()
        except (ConnectionError, ClientConnectionError):
            log.debug("listener_gone", id=call.request_id)
    return response


def asked_types(given: str | None) -> frozenset[EventType]:
    """The types that a client wants; all, where it names none."""
    return frozenset(get_args(EventType) if given is None else cast("list[EventType]", given.split(",")))


HANDLERS: Handlers = {"stream_events": events}
