"""Ending a process that can't go on: its supervisor starts it again, with the offsets where they were."""

from __future__ import annotations

import os
import threading

import faust
import structlog

log = structlog.get_logger()

#: Faust stops its parts one by one; one that waits for another that is gone already would wait for ever.
GRACE_S = 10.0
EXIT_CODE = 1


async def crash(app: faust.App, exc: BaseException, **facts: object) -> None:
    """Log `exc` with `facts` and stop the app; the process ends within GRACE_S, whatever still waits in it."""
    log.error("crashed", error=repr(exc), exc_info=exc, **facts)
    last_word = threading.Timer(GRACE_S, os._exit, (EXIT_CODE,))
    last_word.daemon = True
    last_word.start()
    await app.crash(exc)
