"""When partitions are dropped: a look each minute, and a wait before most of the table goes at once."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from relearn.agents.availability.notices import Notices
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.predictions.retention import Retained, drop_expired_partitions

EVERY_S = 60.0
#: Most of the table goes once each look has shown for this time that it would: time to notice that a clock is wrong.
MANY_AFTER_S = 3600.0
NOTICE = "retention"


class RetentionWatch:
    """The looks of one store worker. While partitions are held, a notice has the reason. `clock` is monotonic."""

    def __init__(
        self,
        retention_days: int,
        notices: Notices,
        clock: Callable[[], float] = time.monotonic,
        drop: Callable[..., Awaitable[Retained]] = drop_expired_partitions,
    ) -> None:
        self._retention_days = retention_days
        self._notices = notices
        self._clock = clock
        self._drop = drop
        self._next_s = clock()
        #: Since when each look would have dropped most of the table.
        self._many_since_s: float | None = None

    async def look(self, pool: Pool) -> None:
        """Drop what is expired, if it is time for the next look.

        Raises:
            PostgresUnavailable: Retryable.
        """
        now_s = self._clock()
        if now_s < self._next_s:
            return
        since_s = now_s if self._many_since_s is None else self._many_since_s
        allow_many = now_s - since_s >= MANY_AFTER_S
        found = await self._drop(pool, self._retention_days, allow_many=allow_many)
        self._next_s = now_s + EVERY_S
        waits = found.many is not None and not allow_many
        self._many_since_s = since_s if waits else None
        held = found.held
        if waits:
            wait = f"{MANY_AFTER_S / 60:.0f} minutes"
            held = f"{found.many} would be dropped at once; they are, if the clocks still show that after {wait}"
        if held is None:
            self._notices.clear(NOTICE)
        else:
            self._notices.set(NOTICE, f"no rows are dropped: {held}")
