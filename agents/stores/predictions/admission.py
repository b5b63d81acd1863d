"""Which records are stored: those of days that have, or get, a daily partition. The others become dead letters.

Relearn makes the partitions of all days that are kept, and a bounded number of others. No record is too old by a clock
that may be wrong: see `retention`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from relearn.agents.stores.dead_letters import clean
from relearn.agents.stores.features.versions import read_schemas
from relearn.agents.stores.postgres import Connection
from relearn.agents.stores.predictions.partitions import (
    day_number,
    day_numbers,
    day_of,
    days_of,
    lock_partitions,
    make_partitions,
    read_partitions,
)
from relearn.agents.stores.predictions.retention import CLOCKS_APART_S, Tail, oldest_kept, read_tails
from relearn.schemas.features import FeatureSchema, values_of
from relearn.schemas.messages.dead_letters import DeadLetter
from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.messages.predictions import Block

#: Maximum number of daily partitions outside of the days that are kept. Only wrong clocks and forged blocks make them.
OTHER_DAYS_MAX = 64

_TOO_OLD = "it is older than the days that are kept"
_TOO_MANY = "its day has no partition, and there are too many of days that are not kept"


@dataclass(frozen=True, slots=True)
class Admitted:
    """Blocks whose days have partitions. The other records are `letters`, `expired` of them by Kafka partition."""

    blocks: Sequence[Block]
    letters: Sequence[DeadLetter]
    expired: dict[tuple[int, int], int]


async def admit(
    connection: Connection, blocks: Sequence[Block], topic: str, *, retention_days: int, now_s: float
) -> Admitted:
    """Make the partitions that the blocks need. Records of days that get none become letters."""
    kept: list[Block] = []
    letters: list[DeadLetter] = []
    expired: dict[tuple[int, int], int] = defaultdict(int)
    schemas: dict[int, FeatureSchema] | None = None
    homeless = await make_partitions_for(connection, blocks, retention_days=retention_days, now_s=now_s)
    for block, one in zip(blocks, homeless, strict=True):
        too_old, too_many = np.flatnonzero(one.too_old), np.flatnonzero(one.too_many)
        if schemas is None and len(too_old) + len(too_many):
            schemas = await read_schemas(connection)
        for reason, error, places in (("expired", _TOO_OLD, too_old), ("overflow", _TOO_MANY, too_many)):
            for at in places[:, None]:
                letters.append(letter_of(block.select(at), reason, error, topic, now_s, schemas=schemas))
        if len(too_old):
            expired[block.generation, block.partition] += len(too_old)
        good = np.flatnonzero(~(one.too_old | one.too_many))
        if len(good):
            kept.append(block if len(good) == len(block) else block.select(good))
    return Admitted(kept, letters, expired)


class Homeless(NamedTuple):
    """(n,) each: the records of a block whose day has no partition and gets none, as too old or as one too many."""

    too_old: NDArray[np.bool_]
    too_many: NDArray[np.bool_]


async def make_partitions_for(
    connection: Connection, blocks: Sequence[Block], *, retention_days: int, now_s: float
) -> list[Homeless]:
    """Make the partitions that these blocks need. `now_s`: Postgres' clock."""
    async with connection.transaction():
        await lock_partitions(connection)
        existing = {one.day for one in await read_partitions(connection, "predictions") if one.day is not None}
        missing = [~_among(block, existing) for block in blocks]
        tails = await read_tails(connection) if any(one.any() for one in missing) else {}
        old = [
            mask & too_old(block, tails.get((block.generation, block.partition)), retention_days, now_s)
            for block, mask in zip(blocks, missing, strict=True)
        ]
        wanted = set().union(*(days_of(block.ingested_at[~mask]) for block, mask in zip(blocks, old, strict=True)))
        made = existing | days_to_make(wanted - existing, existing, retention_days=retention_days, now_s=now_s)
        await make_partitions(connection, "predictions", made - existing)
        shadowed = set().union(*(days_of(block.ingested_at) for block in blocks if block.shadow is not None))
        await make_partitions(connection, "shadow_predictions", shadowed & made)
    return [Homeless(mask, ~mask & ~_among(block, made)) for block, mask in zip(blocks, old, strict=True)]


def too_old(block: Block, tail: Tail | None, retention_days: int, now_s: float) -> NDArray[np.bool_]:
    """(n,) which records are older than retention. `tail`: of the block's Kafka partition. `now_s`: Postgres' clock.

    A record is too old if the broker appended the record's block, or a later record of the partition that is stored,
    more than `retention_days` later, at a time when its clock agreed with Postgres' clock. So a record that the broker
    has just appended with a wrong clock is never too old.
    """
    days = day_numbers(block.ingested_at)
    old = np.zeros(len(block), dtype=np.bool_)
    if block.appended_s is not None and abs(block.appended_s - now_s) <= CLOCKS_APART_S:
        old |= days < day_number(oldest_kept(block.appended_s, retention_days))
    if tail is not None and tail.agrees:
        old |= (days < day_number(oldest_kept(tail.ingested_s, retention_days))) & (block.offsets < tail.offset)
    return old


def days_to_make(
    wanted: Collection[date], existing: Collection[date], *, retention_days: int, now_s: float
) -> set[date]:
    """Which of the `wanted` days get a partition: all that are kept, and others while there are few of these."""
    today = day_of(now_s)
    first, last = today - timedelta(days=retention_days + 1), today + timedelta(days=1)
    kept = {day for day in wanted if first <= day <= last}
    others = sum(not first <= day <= last for day in existing)
    nearest = sorted(set(wanted) - kept, key=lambda day: (abs(day - today), day))
    return kept | set(nearest[: max(0, OTHER_DAYS_MAX - others)])


def _among(block: Block, days: Collection[date]) -> NDArray[np.bool_]:
    """(n,) which records are of these days."""
    found: NDArray[np.bool_] = np.isin(day_numbers(block.ingested_at), [day_number(day) for day in days])
    return found


def letter_of(
    block: Block,
    reason: str,
    error: str,
    topic: str,
    now_s: float,
    *,
    schemas: Mapping[int, FeatureSchema] | None = None,
) -> DeadLetter:
    """The dead letter of a block of one record; its value is that record alone, as `ingest` would take it.

    schemas: the namespace's by version, which a record with categories is written by.
    """
    texts = (block.ids[0], block.subjects[0], block.batches[0], block.contexts[0])
    record_id, subject, batch, context = (None if text is None else clean(text) for text in texts)
    schema = (schemas or {}).get(max(schemas or (0,)) if block.schema is None else block.schema)
    value = encode_record(
        _values(block, schema),
        record_id=record_id,
        subject=subject,
        batch=batch,
        context=context,
        schema=block.schema,
    )
    offset, index = int(block.offsets[0]), int(block.indexes[0])
    place = (topic, block.generation, block.partition, offset, (index,))
    return DeadLetter("store", reason, error, *place, at=now_s, key=None, value=value)


def _values(block: Block, schema: FeatureSchema | None) -> Any:
    """The values of a block of one record: packed numbers, or with categories a list, as `values_of` orders it."""
    numbers = block.features[0]
    return values_of(schema, numbers.tolist(), block.strings[0]) if block.strings else numbers
