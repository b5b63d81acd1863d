"""The one reader of the live events in this process: it waits for entries in Redis, and hands them on, made few.

After a round with a batch in it, it lets a tenth of a second pass: what comes meanwhile waits in Redis and is merged,
so that nobody gets more than ten batches a second, and nothing else waits longer than that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from relearn.agents.stores.live.events import NOWHERE, Entry, edges, kept, missed_entries, next_entries, order
from relearn.agents.stores.live.layout import read_counts
from relearn.agents.stores.redis import Redis
from relearn.api.events.merge import coalesced
from relearn.schemas.errors import RedisUnavailable

log = structlog.get_logger()

BATCH_EVERY_S = 0.1
#: How long Redis is asked to wait for an entry; whoever opens its client lets it answer later than that.
WAIT_S = 1.0
_AGAIN_S = 0.5
#: Entries of one round, and of one page of what somebody has missed.
_ROUND = 256
_PAGE = 1000


class EventReader:
    """Reads for as long as `run` runs. `tell` gets each round's entries; `begun`, whenever reading begins (again),
    whether some may have been lost before that. Neither may wait.
    """

    def __init__(
        self, redis: Redis, namespace: str, tell: Callable[[list[Entry]], None], begun: Callable[[bool], None]
    ) -> None:
        #: The id up to which `tell` was called, and whether Redis answers.
        self.place = NOWHERE
        self.reads = False
        self._redis = redis
        self._namespace = namespace
        self._tell = tell
        self._begun = begun
        self._read_before = False

    async def run(self) -> None:
        """Read for ever; while Redis is away, ask again and again."""
        away = False
        while True:
            try:
                await self._find_place()
                away = False
                while True:
                    await self._round()
            except RedisUnavailable as exc:
                if not away:
                    log.warning("events_wait", error=str(exc))
                away, self.reads = True, False
                await asyncio.sleep(_AGAIN_S)

    async def missed(self, after: str) -> tuple[str, list[Entry]] | None:
        """What comes after the id `after`, but not after `place`, and up to where that is; None where some is lost.

        Raises:
            RedisUnavailable: nothing is known.
        """
        upto = self.place
        found = await missed_entries(self._redis, self._namespace, after, upto, _PAGE)
        if found is None:
            return None
        reached = found[-1].id if len(found) == _PAGE else max(after, upto, key=order)
        return reached, coalesced(found, await self._counts(found))

    async def _find_place(self) -> None:
        """Go on where reading was left off; at the end of the stream where that is no longer kept, or never was."""
        first, last = await edges(self._redis, self._namespace)
        lost = self._read_before and not kept(self.place, first, last)
        if lost or not self._read_before:
            self.place = last
        self.reads = self._read_before = True
        self._begun(lost)

    async def _round(self) -> None:
        entries = await next_entries(self._redis, self._namespace, self.place, _ROUND, wait_s=WAIT_S)
        if not entries:
            return
        together = coalesced(entries, await self._counts(entries))
        self.place = entries[-1].id
        self._tell(together)
        if any(one.type == "batch" for one in entries):
            await asyncio.sleep(BATCH_EVERY_S)

    async def _counts(self, entries: Sequence[Entry]) -> tuple[int, int] | None:
        """Records and dead letters in all, where a batch is to tell them."""
        return await read_counts(self._redis, self._namespace) if any(one.type == "batch" for one in entries) else None
