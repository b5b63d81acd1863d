"""One serving process: it listens until a stop signal, finishes the requests in flight, and ends."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog
from aiohttp import web

from relearn.agents.stores.api_keys import list_keys
from relearn.agents.stores.postgres import open_pool
from relearn.agents.worker.logging import set_up_logging
from relearn.agents.worker.shutdown import EXIT_CODE, STOP_GRACE_S, exit_within
from relearn.api.access.guard import check_exposure
from relearn.api.access.keyring import KeyRing
from relearn.api.http.limits import CONNECTION, REQUEST_TIMEOUTS, MalformedRequestFilter
from relearn.api.server.app import make_app
from relearn.api.server.background import BACKGROUND
from relearn.api.server.connection import Connection
from relearn.api.server.connections import Connections, connection_limit
from relearn.api.server.listening import listen
from relearn.schemas.errors import Unavailable
from relearn.schemas.settings import Settings

log = structlog.get_logger()

#: Connections that wait to be accepted.
BACKLOG = 128
#: Requests in flight have this long to finish.
GRACE_S = 10.0
#: Then aiohttp cancels them, which takes twice this time.
_CUT_S = 1.0
_CHECK_EVERY_S = 0.02


@dataclass(frozen=True, slots=True)
class Share:
    """One of several processes on a port: its number and sockets. It ends when its parent ends."""

    number: str
    sockets: Sequence[socket.socket]


def run(settings: Settings, share: Share | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C. The exit code: 0, or 1 if a background task has ended.

    Raises:
        SettingsError, SetupError: the process can't serve.
    """
    set_up_logging(settings.log_level, role="api", worker=f"api-{share.number}" if share else "api")
    logging.getLogger("aiohttp.server").addFilter(MalformedRequestFilter())
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_serve(settings, share))


async def _serve(settings: Settings, share: Share | None) -> int:
    stop = asyncio.Event()
    _on_signals(stop)
    await check_api_keys(settings)
    sockets = listen(settings.api_host, settings.api_port) if share is None else share.sockets
    held = None if share is None else await _stop_with_parent(stop)
    app = make_app(settings, share.number if share else "1")
    exit_timer = asyncio.ensure_future(_exit_after_grace(stop, app))

    def up() -> None:
        log.info("serving", host=settings.api_host, port=sockets[0].getsockname()[1])
        if share is not None:
            os.write(sys.stdout.fileno(), b"serving\n")

    try:
        return await serve_until(stop, app, sockets, up)
    finally:
        exit_timer.cancel()
        if held is not None:
            held.close()


async def serve_until(
    stop: asyncio.Event,
    app: web.Application,
    sockets: Sequence[socket.socket],
    up: Callable[[], None],
    *,
    limit: int | None = None,
) -> int:
    """Serve `app` until `stop` is set (returns 0) or a background task ends (1). Calls `up` once the app serves.

    `limit`: of connections; None: what the process has descriptors for.
    """
    runner = web.AppRunner(app, shutdown_timeout=_CUT_S)
    await runner.setup()
    listening: list[asyncio.Server] = []
    connections = Connections(connection_limit() if limit is None else limit)
    app[BACKGROUND].start("connections", connections.watch())
    try:
        for one in sockets:
            listening.append(await _accept(one, runner, connections))
        up()
        broken = app[BACKGROUND].broken
        await first_of(stop, broken)
        log.info("closing", within_s=GRACE_S)
    finally:
        for server in listening:
            server.close()
        await runner.shutdown()  # sets CLOSING
        await _finish(runner)
        await runner.cleanup()
    return EXIT_CODE if broken.is_set() else 0


async def _accept(one: socket.socket, runner: web.AppRunner, connections: Connections) -> asyncio.Server:
    """Accept connections as aiohttp's sites do, with our `Connection`."""
    loop, server = asyncio.get_running_loop(), runner.server
    assert server is not None

    def connection() -> Connection:
        return Connection(server, connections=connections, loop=loop, **CONNECTION)

    return await loop.create_server(connection, sock=one, backlog=BACKLOG)


async def _finish(runner: web.AppRunner) -> None:
    """Wait until all requests in flight are answered, at most GRACE_S; close idle connections.

    aiohttp's own shutdown stops reading at once: a request body still on its way would never end.
    """
    server = runner.server
    assert server is not None
    with suppress(TimeoutError):
        async with asyncio.timeout(GRACE_S):
            while server.connections:
                for one in server.connections:
                    if isinstance(one, Connection):
                        one.close_if_idle()
                await asyncio.sleep(_CHECK_EVERY_S)


async def _exit_after_grace(stop: asyncio.Event, app: web.Application) -> None:
    """Exit after STOP_GRACE_S even if an unavailable server holds up the shutdown."""
    await first_of(stop, app[BACKGROUND].broken)
    exit_within(STOP_GRACE_S)


async def check_api_keys(settings: Settings) -> None:
    """Check that API keys exist if the process is to listen beyond loopback.

    The process starts without Postgres too: until Postgres answers, every request is rejected.

    Raises:
        SettingsError, SetupError: there are no API keys.
    """
    pool = await open_pool(settings, size=1, timeouts=REQUEST_TIMEOUTS)
    try:
        await check_exposure(settings, KeyRing(lambda: list_keys(pool)))
    except Unavailable as exc:
        log.warning("api_keys_unavailable", error=str(exc))
    finally:
        pool.terminate()


def _on_signals(stop: asyncio.Event) -> None:
    """The first signal stops in order; a second Ctrl-C exits at once. A parent's SIGTERM may come with the first."""

    pressed = 0

    def interrupted() -> None:
        nonlocal pressed
        pressed += 1
        if pressed > 1:
            os._exit(128 + signal.SIGINT)
        stop.set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, interrupted)


async def _stop_with_parent(stop: asyncio.Event) -> asyncio.BaseTransport:
    """Stop when standard input closes: the parent holds its other end, so it closes when the parent ends.

    Keep the returned transport.
    """

    class Parent(asyncio.Protocol):
        def connection_lost(self, exc: Exception | None) -> None:
            stop.set()

    transport, _ = await asyncio.get_running_loop().connect_read_pipe(Parent, sys.stdin)
    return transport


async def first_of(*events: asyncio.Event) -> None:
    """Wait until one of the events is set."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for one in waiting:
        one.cancel()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's if it is installed; None: asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415 - not available on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop
