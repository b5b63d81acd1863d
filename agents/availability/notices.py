"""Notices: what is wrong with a worker that goes on, for people. The heartbeat carries them to `relearn status`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import structlog

log = structlog.get_logger()

#: A notice is one line: the rest of its detail is cut off.
DETAIL_MAX_CHARS = 300
#: Codes are constants of the program, some with a partition behind a colon. More than this are not kept.
NOTICES_MAX = 32


class Notice(NamedTuple):
    """One notice. `code` is a constant word, `detail` a sentence, `since` seconds of Unix time."""

    code: str
    detail: str
    since: float


class Notices:
    """The notices of one worker, by code, oldest first. Safe to call from any thread; nothing blocks or raises."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._notices: dict[str, Notice] = {}

    def set(self, code: str, detail: str, *, since: float | None = None) -> None:
        """Show `detail` under `code` until `clear(code)`. A shown code keeps its `since`, unless it is given."""
        known = self._notices.get(code)
        detail = " ".join(detail.split())[:DETAIL_MAX_CHARS]
        if known is None and len(self._notices) >= NOTICES_MAX:
            log.warning("notice_not_kept", code=code, detail=detail)
            return
        began_s = since if since is not None else known.since if known is not None else self._clock()
        self._notices[code] = Notice(code, detail, round(began_s, 3))
        if known is None:
            log.warning("notice", code=code, detail=detail)

    def clear(self, code: str) -> None:
        """Show `code` no longer. Does nothing where the code isn't shown."""
        if self._notices.pop(code, None) is not None:
            log.info("notice_ended", code=code)

    def listed(self) -> list[dict[str, str | float]]:
        """The notices as they stand in a heartbeat: `[{"code", "detail", "since"}, …]`."""
        return [notice._asdict() for notice in list(self._notices.values())]
