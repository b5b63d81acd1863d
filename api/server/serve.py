"""One process that serves: it listens until it is asked to stop, finishes what is in flight, and ends."""

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
from relearn.api.http.limits import CONNECTION, OF_A_REQUEST, NotOurFault
from relearn.api.server.app import make_app
from relearn.api.server.background import BACKGROUND
from relearn.api.server.connection import Connection
from relearn.api.server.listening import listen
from relearn.schemas.errors import Unavailable
from relearn.schemas.settings import Settings

log = structlog.get_logger()

#: Connections that wait to be accepted.
BACKLOG = 128
#: So long requests in flight may take to finish.
GRACE_S = 10.0
#: Then they are cut off: aiohttp cancels them, and takes this twice.
_CUT_S = 1.0
_LOOK_EVERY_S = 0.02


@dataclass(frozen=True, slots=True)
class Share:
    """One of several processes on a port: its number, its sockets, and a parent that it doesn't outlive."""

    number: str
    sockets: Sequence[socket.socket]


def run(settings: Settings, share: Share | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; the exit code: 0, or 1 where a task that it can't do without has ended.

    Raises:
        SettingsError, SetupError: it can't serve, and why.
    """
    set_up_logging(settings.log_level, role="api", worker=f"api-{share.number}" if share else "api")
    logging.getLogger("aiohttp.server").addFilter(NotOurFault())
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_serve(settings, share))


async def _serve(settings: Settings, share: Share | None) -> int:
    stop = asyncio.Event()
    _on_signals(stop)
    await refuse_exposure(settings)
    sockets = listen(settings.api_host, settings.api_port) if share is None else share.sockets
    held = None if share is None else await _on_parents_end(stop)
    app = make_app(settings, share.number if share else "1")
    at_last = asyncio.ensure_future(_end_at_last(stop, app))

    def up() -> None:
        log.info("serving", host=settings.api_host, port=sockets[0].getsockname()[1])
        if share is not None:
            os.write(sys.stdout.fileno(), b"serving\n")

    try:
        return await serve_until(stop, app, sockets, up)
    finally:
        at_last.cancel()
        if held is not None:
            held.close()


async def serve_until(
    stop: asyncio.Event, app: web.Application, sockets: Sequence[socket.socket], up: Callable[[], None]
) -> int:
    """Serve `app` until `stop` is set: 0; or until one of its tasks is over: 1. `up` is called once it serves."""
    runner = web.AppRunner(app, shutdown_timeout=_CUT_S)
    await runner.setup()
    listening: list[asyncio.Server] = []
    try:
        for one in sockets:
            listening.append(await _accept(one, runner))
        up()
        broken = app[BACKGROUND].broken
        await first_of(stop, broken)
        log.info("closing", within_s=GRACE_S)
    finally:
        for server in listening:
            server.close()
        await runner.shutdown()  # whoever waits for the end hears of it
        await _finish(runner)
        await runner.cleanup()
    return EXIT_CODE if broken.is_set() else 0


async def _accept(one: socket.socket, runner: web.AppRunner) -> asyncio.Server:
    """As aiohttp's own sites do, but with connections of ours."""
    loop, server = asyncio.get_running_loop(), runner.server
    assert server is not None
    return await loop.create_server(lambda: Connection(server, loop=loop, **CONNECTION), sock=one, backlog=BACKLOG)


async def _finish(runner: web.AppRunner) -> None:
    """Wait until all requests in flight are answered, or for GRACE_S; close whatever connection has none.

    aiohttp's own end doesn't do: once it has begun, nothing is read any more, and a body that is on its way never ends.
    """
    server = runner.server
    assert server is not None
    with suppress(TimeoutError):
        async with asyncio.timeout(GRACE_S):
            while server.connections:
                for one in server.connections:
                    if isinstance(one, Connection):
                        one.close_if_idle()
                await asyncio.sleep(_LOOK_EVERY_S)


async def _end_at_last(stop: asyncio.Event, app: web.Application) -> None:
    """A server that is away may hold up the end, but not for ever."""
    await first_of(stop, app[BACKGROUND].broken)
    exit_within(STOP_GRACE_S)


async def refuse_exposure(settings: Settings) -> None:
    """Ask Postgres for keys, if that is needed to listen where it is wanted.

    Postgres that is away is no reason not to start: nobody is let in before it has told.

    Raises:
        SettingsError, SetupError: there are none.
    """
    pool = await open_pool(settings, size=1, patience=OF_A_REQUEST)
    try:
        await check_exposure(settings, KeyRing(lambda: list_keys(pool)))
    except Unavailable as exc:
        log.warning("keys_not_known", error=str(exc))
    finally:
        pool.terminate()


def _on_signals(stop: asyncio.Event) -> None:
    """The first asks to stop in order; a second Ctrl-C doesn't wait. A parent's SIGTERM may come with the first."""

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


async def _on_parents_end(stop: asyncio.Event) -> asyncio.BaseTransport:
    """The parent holds the other end of our standard input: it closes when the parent ends, however that ends.

    Keep what is returned.
    """

    class Parent(asyncio.Protocol):
        def connection_lost(self, exc: Exception | None) -> None:
            stop.set()

    transport, _ = await asyncio.get_running_loop().connect_read_pipe(Parent, sys.stdin)
    return transport


async def first_of(*events: asyncio.Event) -> None:
    """Wait until one of them is set."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for one in waiting:
        one.cancel()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's where there is one; None: asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop
