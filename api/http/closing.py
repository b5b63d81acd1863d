"""The shutdown of the process, as an event that handlers can wait for."""

from __future__ import annotations

import asyncio

from aiohttp import web

#: Set once the server has stopped accepting. Requests in flight have ten seconds; endless ones wait for this event.
CLOSING: web.AppKey[asyncio.Event] = web.AppKey("closing", asyncio.Event)


def watch_closing(app: web.Application) -> None:
    """Give `app` its event, which is set at shutdown."""
    app[CLOSING] = asyncio.Event()

    async def close(app: web.Application) -> None:
        app[CLOSING].set()

    app.on_shutdown.append(close)
