"""Ending a process that can't continue. Its supervisor restarts it, with the offsets unchanged."""

from __future__ import annotations

import faulthandler
import os
import threading
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import faust
import structlog

from relearn.agents.availability.retry import Stopping

log = structlog.get_logger()

#: Faust stops its services one by one. A service that waits for another one that has ended, or for an unavailable
#: broker, would wait without end. A worker that is asked to stop gets more time, to finish its chunks.
GRACE_S = 10.0
STOP_GRACE_S = 20.0
EXIT_CODE = 1
#: The exit code of a worker whose id another worker uses. A restart would end the other one.
FENCED_EXIT_CODE = 3


async def crash(app: faust.App, exc: BaseException, **facts: object) -> None:
    """Log `exc` with `facts` and stop the app. The process ends within GRACE_S, even if a task still waits."""
    excuse_messages(app)
    await crash_by_chunk(app, exc, **facts)


def excuse_messages(app: Any) -> None:
    """The process is about to end for a reason that doesn't lie in the messages that are in hand."""
    quarantine = getattr(app, "quarantine", None)
    if quarantine is not None:
        quarantine.notes.excuse()


async def crash_by_chunk(app: faust.App, exc: BaseException, **facts: object) -> None:
    """As `crash`, for an error while a chunk was handled: its messages may be the reason."""
    log.error("crashed", error=repr(exc), exc_info=exc, **facts)
    exit_within(GRACE_S)
    await app.crash(exc)


def exit_within(grace_s: float) -> None:
    """End this process after `grace_s` at the latest. Chunks that are not committed then are read again."""

    def end() -> None:
        log.error("ended_by_force", after_s=grace_s)
        os._exit(EXIT_CODE)

    last_word = threading.Timer(grace_s, end)
    last_word.daemon = True
    last_word.start()


def exit_now(event: str, **facts: object) -> NoReturn:
    """End this process, from any thread: log `event`, and write the stack of each thread to stderr."""
    last_word = threading.Timer(GRACE_S, os._exit, [EXIT_CODE])  # for a stderr that nothing reads
    last_word.daemon = True
    last_word.start()
    log.error(event, **facts)
    faulthandler.dump_traceback()
    os._exit(EXIT_CODE)


def end_fenced(instance: str, reason: str) -> NoReturn:
    """End this process, from any thread: another member of the group has its id, and its partitions."""
    log.error("fenced", id=instance, reason=reason)
    os._exit(FENCED_EXIT_CODE)


async def run_until_stopped(app: faust.App, work: Callable[[], Awaitable[None]]) -> None:
    """Run a task of `app`. The task may end by Stopping; any other error ends the process."""
    try:
        await work()
    except Stopping:
        return
    except Exception as exc:  # noqa: BLE001 - ends the process
        await crash(app, exc)
