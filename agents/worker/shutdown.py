"""Ending a process that can't go on: its supervisor starts it again, with the offsets where they were."""

from __future__ import annotations

import faulthandler
import os
import threading
from collections.abc import Awaitable, Callable
from typing import NoReturn

import faust
import structlog

from relearn.agents.availability.retry import Stopping

log = structlog.get_logger()

#: Faust stops its parts one by one; one that waits for another that is gone already, or for a broker that is away,
#: would wait for ever. A worker that was asked to stop may finish what it has begun.
GRACE_S = 10.0
STOP_GRACE_S = 20.0
EXIT_CODE = 1


async def crash(app: faust.App, exc: BaseException, **facts: object) -> None:
    """Log `exc` with `facts` and stop the app; the process ends within GRACE_S, whatever still waits in it."""
    log.error("crashed", error=repr(exc), exc_info=exc, **facts)
    exit_within(GRACE_S)
    await app.crash(exc)


def exit_within(grace_s: float) -> None:
    """Make sure that this process has ended after `grace_s`; what isn't committed then is read again."""

    def end() -> None:
        log.error("ended_by_force", after_s=grace_s)
        os._exit(EXIT_CODE)

    last_word = threading.Timer(grace_s, end)
    last_word.daemon = True
    last_word.start()


def exit_now(event: str, **facts: object) -> NoReturn:
    """End this process, from any thread: log `event`, and write to stderr where each thread stands."""
    last_word = threading.Timer(GRACE_S, os._exit, [EXIT_CODE])  # for a stderr that takes nothing
    last_word.daemon = True
    last_word.start()
    log.error(event, **facts)
    faulthandler.dump_traceback()
    os._exit(EXIT_CODE)


async def run_until_stopped(app: faust.App, work: Callable[[], Awaitable[None]]) -> None:
    """Run a task of `app`: it may end by Stopping; whatever else it raises ends the process."""
    try:
        await work()
    except Stopping:
        return
    except Exception as exc:  # noqa: BLE001 - ends the process
        await crash(app, exc)
