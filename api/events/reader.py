"""The one reader of live events in this process: waits for entries in Redis, merges them and passes them on.

After a round with a batch it waits a tenth of a second. Entries that arrive meanwhile are merged: a client gets at most
ten batches a second, and no event is delayed longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from relearn.agents.stores.live.events import NOWHERE, Entry, edges, kept, missed_entries, next_entries, order
from relearn.agents.stores.live.layout import read_counts
from relearn.agents.stores.redis import Redis
from relearn.api.events.merge import merge_events
from relearn.schemas.errors import RedisUnavailable

log = structlog.get_logger()

BATCH_EVERY_S = 0.1
#: Blocking time of a read in Redis; the Redis client's timeout has to be longer.
WAIT_S = 1.0
_RETRY_EVERY_S = 0.5
#: Maximum entries of one round, and of one page of missed events.
_ROUND = 256
_PAGE = 1000


class EventReader:
    """Reads while `run` runs. `dispatch` gets the entries of each round. `began` is called whenever reading (re)starts,
    with whether entries may have been lost before. Neither may block.
    """

    def __init__(
        self, redis: Redis, namespace: str, dispatch: Callable[[list[Entry]], None], began: Callable[[bool], None]
    ) -> None:
        #: The id up to which entries were dispatched, and whether Redis answers.
        self.place = NOWHERE
        self.reads = False
        self._redis = redis
        self._namespace = namespace
        self._dispatch = dispatch
        self._began = began
        self._read_before = False

    async def run(self) -> None:
        """Read until cancelled; retries while Redis is away."""
        away = False
        while True:
            try:
                await self._find_place()
                away = False
                while True:
                    await self._round()
            except RedisUnavailable as exc:
                if not away:
                    log.warning("events_unavailable", error=str(exc))
                away, self.reads = True, False
                await asyncio.sleep(_RETRY_EVERY_S)

    async def missed(self, after: str) -> tuple[str, list[Entry]] | None:
        """Entries after the id `after` up to `place`, with the id reached; None if some are no longer stored.

        Raises:
            RedisUnavailable: retryable.
        """
        upto = self.place
        found = await missed_entries(self._redis, self._namespace, after, upto, _PAGE)
        if found is None:
            return None
        reached = found[-1].id if len(found) == _PAGE else max(after, upto, key=order)
        return reached, merge_events(found, await self._counts(found))

    async def _find_place(self) -> None:
        """Resume at the last place, or at the end of the stream if that place is no longer stored or unknown."""
        first, last = await edges(self._redis, self._namespace)
        lost = self._read_before and not kept(self.place, first, last)
        if lost or not self._read_before:
            self.place = last
        self.reads = self._read_before = True
        self._began(lost)

    async def _round(self) -> None:
        entries = await next_entries(self._redis, self._namespace, self.place, _ROUND, wait_s=WAIT_S)
        if not entries:
            return
        together = merge_events(entries, await self._counts(entries))
        self.place = entries[-1].id
        self._dispatch(together)
        if any(one.type == "batch" for one in entries):
            await asyncio.sleep(BATCH_EVERY_S)

    async def _counts(self, entries: Sequence[Entry]) -> tuple[int, int] | None:
        """Total records and dead letters, if there is a batch to carry them."""
        return await read_counts(self._redis, self._namespace) if any(one.type == "batch" for one in entries) else None
