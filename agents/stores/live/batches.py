"""The recent view's batches, a page at a time, and whether it can be trusted with them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from relearn.agents.stores.live.layout import KEPT_BATCHES, Keys
from relearn.agents.stores.predictions.totals import BatchTotal
from relearn.agents.stores.redis import Redis, redis_translated

#: So many more than are wanted are read, for those of the very time at which the page before ended.
_SAME_TIME = 100


@dataclass(frozen=True, slots=True)
class ShownBatches:
    """Some of the view's batches, the latest first.

    `database`: whose view it is, None where it is lost. `enough`: as many as were wanted, or all that there are.
    """

    database: str | None
    batches: list[BatchTotal]
    enough: bool


async def read_batches(redis: Redis, namespace: str, *, after: tuple[datetime, str] | None, limit: int) -> ShownBatches:
    """At most so many batches after a time and name: by last time, and by name in the order of bytes, downwards.

    Raises:
        RedisUnavailable: ask Postgres instead.
    """
    keys, wanted = Keys(namespace), limit + _SAME_TIME
    below = (math.inf, b"") if after is None else (round(1e6 * after[0].timestamp()), after[1].encode())
    with redis_translated():
        async with redis.pipeline(transaction=False) as pipe:
            pipe.get(keys.epoch)
            pipe.zcard(keys.batch_last)
            # half a microsecond more: times are floats there
            pipe.zrevrangebyscore(keys.batch_last, (below[0] + 0.5) / 1e6, "-inf", 0, wanted, withscores=True)
            database, known, read = await pipe.execute()
        latest = [(name, last) for name, last in read if (round(1e6 * last), name.encode()) < below][:limit]
        names = [name for name, _ in latest]
        first = await redis.zmscore(keys.batch_first, names) if names else []
        records = await redis.zmscore(keys.batch_records, names) if names else []
    found = [
        BatchTotal(name, int(count), first_s, last)
        for (name, last), first_s, count in zip(latest, first, records, strict=True)
        if first_s is not None and count is not None
    ]
    # The view forgets the oldest; one of the page may be forgotten at this moment.
    everything = known < KEPT_BATCHES and len(read) < wanted and len(found) == len(latest)
    return ShownBatches(database, found, len(found) == limit or everything)
