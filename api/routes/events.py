"""Live events: the stream of one client."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import cast, get_args

import structlog
from aiohttp import ClientConnectionError, web

from relearn.api.http.call import Call, Handlers
from relearn.api.http.responses import STREAMED
from relearn.schemas.http.events import EventsQuery, EventType

log = structlog.get_logger()

#: A client that reads nothing for this long is disconnected.
_WRITE_TIMEOUT_S = 30.0
_HEADERS = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}


async def stream_events(call: Call[None, EventsQuery, None]) -> web.StreamResponse:
    """Send events until the client disconnects or is too slow, or the process ends."""
    after = call.request.headers.get("Last-Event-ID") or call.query.last_event_id or None
    hub, request = call.context.events, call.request
    with hub.connect(call.caller.client, lambda: request.transport, wanted_types(call.query.types)) as client:
        request[STREAMED] = True
        response = web.StreamResponse(headers=_HEADERS)
        try:
            await response.prepare(request)
            async with aclosing(hub.chunks(client, after)) as chunks:
                async for chunk in chunks:
                    async with asyncio.timeout(_WRITE_TIMEOUT_S):
                        await response.write(chunk)
        except TimeoutError:
            client.drop()
        except (ConnectionError, ClientConnectionError):
            log.debug("client_disconnected", id=call.request_id)
    return response


def wanted_types(given: str | None) -> frozenset[EventType]:
    """The requested types; all if the client names none."""
    return frozenset(get_args(EventType) if given is None else cast("list[EventType]", given.split(",")))


HANDLERS: Handlers = {"stream_events": stream_events}
