"""`relearn api --workers N`: a parent that serves nothing and keeps N processes serving on one port.

It does not use `processes.supervisor.Supervisor`, which owns a data directory with its lock and `run.json`, writes a
log file per process, finds readiness in the log, and gives each process a session of its own. This parent has no
data directory, and may itself be a child of that supervisor. Its processes inherit listening sockets, log to its
stderr, report readiness over a pipe, and end when the pipe closes. Both share the waits between restarts (`restarts`).
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

import relearn
from relearn.agents.worker.logging import set_up_logging
from relearn.api.server.listening import reserve, share
from relearn.schemas.settings import PREFIX, Settings
from relearn.scripts.embedded.processes.restart_wait import RestartWait

log = structlog.get_logger()

#: Maximum time for a process to stop in order; it is killed afterwards.
STOP_TIMEOUT_S = 25.0

Start = Callable[[int], Awaitable[Process]]
"""Start the process of this number. It writes one line to its standard output once it serves."""


async def run_several(settings: Settings, count: int) -> int:
    """Serve by `count` processes until SIGTERM or Ctrl-C; the exit code.

    Raises:
        SettingsError, SetupError: the address can't be listened on.
    """
    set_up_logging(settings.log_level, role="api", worker="api")
    reserved = reserve(settings.api_host, settings.api_port)

    async def start(number: int) -> Process:
        sockets = share(reserved)
        numbers = [one.fileno() for one in sockets]
        argv = ("api", "--share", str(number), ",".join(map(str, numbers)))
        try:
            return await asyncio.create_subprocess_exec(
                # -P: modules in the working directory must not be imported.
                *(sys.executable, "-P", "-m", "relearn.scripts", *argv),
                env=_environment(settings),
                pass_fds=numbers,
                stdin=PIPE,
                stdout=PIPE,
            )
        finally:
            for one in sockets:
                one.close()

    try:
        return await keep(start, count, lambda: log.info("all_serving", port=settings.api_port, processes=count))
    finally:
        for one in reserved:
            one.close()


async def keep(start: Start, count: int, up: Callable[[], None]) -> int:
    """Keep `count` processes running until SIGTERM or Ctrl-C: 0; or until one can't start: its exit code.

    The first starts alone, so that an error that affects all is reported once. `up` is called when all serve. The first
    signal stops all in order, the second kills them.
    """
    keeping = asyncio.ensure_future(_keep_all(start, count, up))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, keeping.cancel)
    await asyncio.wait([keeping])
    if keeping.cancelled():
        return 0
    error = keeping.exception()
    if isinstance(error, ExceptionGroup) and isinstance(error.exceptions[0], CanNotStart):
        return error.exceptions[0].code
    return keeping.result()


class CanNotStart(Exception):
    """A process ended before it ever served; its log has the reason."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


async def _keep_all(start: Start, count: int, up: Callable[[], None]) -> int:
    async with asyncio.TaskGroup() as group:
        for numbers in (range(1, 2), range(2, count + 1)):
            serving = {number: asyncio.Event() for number in numbers}
            for number in numbers:
                group.create_task(_keep_one(start, number, serving[number]))
            for one in serving.values():
                await one.wait()
        up()
    return 0


async def _keep_one(start: Start, number: int, serving: asyncio.Event) -> None:
    """Run one process and restart it when it ends, until cancelled."""
    restarts = RestartWait()
    while True:
        born_s = time.monotonic()
        spawning = asyncio.ensure_future(start(number))
        try:
            process = await asyncio.shield(spawning)  # a process without a handle would be left behind
            if process.stdout is not None and await process.stdout.readline():
                serving.set()
            code = await process.wait()
        finally:
            await _end(await spawning)
        if not serving.is_set():
            raise CanNotStart(code if code > 0 else 1)
        log.warning("process_ended", number=number, code=code, again=True)
        await asyncio.sleep(restarts.wait_s(time.monotonic() - born_s))


async def _end(process: Process) -> None:
    """Send SIGTERM, wait, then kill. Cancelled while it waits: kill at once."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
    except (TimeoutError, asyncio.CancelledError):
        process.kill()
        await process.wait()


def _environment(settings: Settings) -> dict[str, str]:
    """The environment of a process: where to find this program, and where the parent listens."""
    root = str(Path(relearn.__file__).parents[1])
    found = {**os.environ, PREFIX + "API_HOST": settings.api_host, PREFIX + "API_PORT": str(settings.api_port)}
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**found, "PYTHONPATH": path}
