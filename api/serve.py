"""One process that serves: it listens until it is asked to stop, finishes what is in flight, and ends."""

from __future__ import annotations

import asyncio
import signal

import structlog
from aiohttp import web

from agents.log import set_up_logging
from api.app import make_app
from schemas.settings import Settings

log = structlog.get_logger()

#: So long requests in flight may take to finish.
GRACE_S = 10.0


def run(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    set_up_logging(settings.log_level, role="api", worker="api")
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(make_app(settings), access_log=None, shutdown_timeout=GRACE_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.api_host, settings.api_port).start()
        log.info("serving", host=settings.api_host, port=settings.api_port)
        await stop.wait()
    finally:
        await runner.cleanup()
