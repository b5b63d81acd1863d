"""The end of a process, for whoever has to know that it has begun."""

from __future__ import annotations

import asyncio

from aiohttp import web

#: Set once the server has stopped accepting. What is in flight has ten seconds; one without end may wait for this.
CLOSING: web.AppKey[asyncio.Event] = web.AppKey("closing", asyncio.Event)


def watch_closing(app: web.Application) -> None:
    """Give `app` its event, to be set when it shuts down."""
    app[CLOSING] = asyncio.Event()

    async def close(app: web.Application) -> None:
        app[CLOSING].set()

    app.on_shutdown.append(close)
