"""The end of a process: whoever answers without end watches `CLOSING`, says goodbye, and returns."""

from __future__ import annotations

import asyncio

from aiohttp import web

#: Set once the server has stopped accepting. What is in flight has ten seconds; an event stream that waits for news
#: waits for this as well, ends with a `retry:` line of RETRY_MS, and returns.
CLOSING: web.AppKey[asyncio.Event] = web.AppKey("closing", asyncio.Event)
RETRY_MS = 1000


def watch_closing(app: web.Application) -> None:
    """Give `app` its event, to be set when it shuts down."""
    app[CLOSING] = asyncio.Event()

    async def close(app: web.Application) -> None:
        app[CLOSING].set()

    app.on_shutdown.append(close)
