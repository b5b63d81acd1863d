"""The recent view in Redis: its keys, writing absolute numbers to them, and reading totals and pages of batches."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from redis.asyncio.client import Pipeline

from relearn.agents.stores.predictions.totals import BatchTotal, PartitionTotal
from relearn.agents.stores.redis import Redis, redis_errors

#: Number of batches that the view keeps, the latest.
KEPT_BATCHES = 1000
#: Number of batches read beyond a page, for batches with the same time as the end of the page before.
_SAME_TIME = 100


@dataclass(frozen=True, slots=True)
class Changes:
    """Absolute numbers to show; false where there are none. `dead_letters` are by topic."""

    totals: Sequence[PartitionTotal] = ()
    batches: Sequence[BatchTotal] = ()
    dead_letters: Mapping[str, int] | None = None

    def __bool__(self) -> bool:
        return bool(self.totals or self.batches or self.dead_letters)


class Keys:
    """The view's keys: sorted sets whose scores are the numbers."""

    def __init__(self, namespace: str) -> None:
        self.epoch = f"{namespace}:epoch"
        self.records = f"{namespace}:totals:records"
        self.expired = f"{namespace}:totals:expired"
        self.dead_letters = f"{namespace}:totals:dead-letters"
        self.batch_last = f"{namespace}:batches:last"
        self.batch_first = f"{namespace}:batches:first"
        self.batch_records = f"{namespace}:batches:records"

    def all(self) -> tuple[str, ...]:
        """Every key, the epoch's too."""
        totals = (self.records, self.expired, self.dead_letters)
        return (self.epoch, *totals, self.batch_last, self.batch_first, self.batch_records)


def add(pipe: Pipeline, keys: Keys, changes: Changes) -> None:
    """Put changes into `pipe`: numbers only rise, so that the order of two writers doesn't matter."""
    totals = list(changes.totals)
    batches = heapq.nlargest(KEPT_BATCHES, changes.batches, key=lambda batch: batch.last_s)
    if totals:
        places = [f"{total.generation}-{total.partition}" for total in totals]
        pipe.zadd(keys.records, dict(zip(places, (t.records for t in totals), strict=True)), gt=True)
        pipe.zadd(keys.expired, dict(zip(places, (t.expired for t in totals), strict=True)), gt=True)
    if changes.dead_letters:
        pipe.zadd(keys.dead_letters, changes.dead_letters, gt=True)
    if batches:
        pipe.zadd(keys.batch_last, {batch.batch: batch.last_s for batch in batches}, gt=True)
        pipe.zadd(keys.batch_first, {batch.batch: batch.first_s for batch in batches}, lt=True)
        pipe.zadd(keys.batch_records, {batch.batch: batch.records for batch in batches}, gt=True)


def trim(pipe: Pipeline, keys: Keys) -> None:
    """Put into `pipe` what forgets all batches but the latest."""
    pipe.zremrangebyrank(keys.batch_last, 0, -KEPT_BATCHES - 1)
    for other in (keys.batch_first, keys.batch_records):
        pipe.zinterstore(other, {other: 1, keys.batch_last: 0})


@dataclass(frozen=True, slots=True)
class Shown:
    """The view as it stands. `batches` are the latest first."""

    totals: list[PartitionTotal]
    batches: list[BatchTotal]
    dead_letters: dict[str, int]

    @property
    def records(self) -> int:
        """All rows that were ever stored."""
        return sum(total.records for total in self.totals)


async def read_recent(redis: Redis, namespace: str, *, batches: int = 100) -> Shown:
    """What the view shows.

    Raises:
        RedisUnavailable: read Postgres instead.
    """
    keys = Keys(namespace)
    with redis_errors():
        async with redis.pipeline(transaction=False) as pipe:
            for key in (keys.records, keys.expired, keys.dead_letters, keys.batch_first, keys.batch_records):
                pipe.zrange(key, 0, -1, withscores=True)
            pipe.zrevrange(keys.batch_last, 0, batches - 1, withscores=True)
            answers: list[list[tuple[str, float]]] = await pipe.execute()
    records, expired, dead_letters, first, count = (dict(answer) for answer in answers[:5])
    return Shown(
        [_total(place, records[place], expired.get(place, 0)) for place in sorted(records)],
        [BatchTotal(name, int(count[name]), first[name], last) for name, last in answers[5] if name in count],
        {topic: int(number) for topic, number in dead_letters.items()},
    )


@dataclass(frozen=True, slots=True)
class ShownBatches:
    """A page of the view's batches, the latest first.

    `database`: the database that filled the view, None where the view is lost. `enough`: the page is complete, or ends
    with the last batch of all.
    """

    database: str | None
    batches: list[BatchTotal]
    enough: bool


async def read_batches(redis: Redis, namespace: str, *, after: tuple[datetime, str] | None, limit: int) -> ShownBatches:
    """At most `limit` batches after a time and name, by last time and by name in byte order, descending.

    Raises:
        RedisUnavailable: read Postgres instead.
    """
    keys, wanted = Keys(namespace), limit + _SAME_TIME
    below = (math.inf, b"") if after is None else (round(1e6 * after[0].timestamp()), after[1].encode())
    with redis_errors():
        async with redis.pipeline(transaction=False) as pipe:
            pipe.get(keys.epoch)
            pipe.zcard(keys.batch_last)
            # Half a microsecond more: times are floats in Redis.
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
    # The view drops the oldest batches, and may drop one of the page between the two reads.
    everything = known < KEPT_BATCHES and len(read) < wanted and len(found) == len(latest)
    return ShownBatches(database, found, len(found) == limit or everything)


async def read_counts(redis: Redis, namespace: str) -> tuple[int, int] | None:
    """All records that were ever stored, and all dead letters; None where the view isn't filled.

    Raises:
        RedisUnavailable: Retryable.
    """
    keys = Keys(namespace)
    with redis_errors():
        async with redis.pipeline(transaction=False) as pipe:
            pipe.get(keys.epoch)
            for key in (keys.records, keys.dead_letters):
                pipe.zrange(key, 0, -1, withscores=True)
            epoch, records, dead_letters = await pipe.execute()
    if epoch is None:
        return None
    return int(sum(number for _, number in records)), int(sum(number for _, number in dead_letters))


def _total(place: str, records: Any, expired: Any) -> PartitionTotal:
    generation, partition = place.split("-")
    return PartitionTotal(int(generation), int(partition), int(records), int(expired))
