"""Batches."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from msgspec import Meta, Struct

from api.call import Call, Handlers
from api.cursors import Cursors, TimeUs, microseconds, moment, page_of
from api.failures import Failure
from api.queries.along import along
from api.queries.batches import Stored, read_batch
from schemas.http.batches import Batch, BatchAlone, BatchPath
from schemas.http.operation import Page, PageQuery


class Latest(Struct, frozen=True, array_like=True):
    """Where a batch stands among all, the one that got a record last first."""

    last_us: TimeUs
    batch: Annotated[str, Meta(max_length=256, pattern=r"^[^\x00]*$")]


BATCHES = Cursors("batches", Latest)


async def batches(call: Call[None, PageQuery, None]) -> Page[Batch]:
    """A page of them."""
    query = call.query
    key = BATCHES.read(query)
    after = None if key is None else (moment(key.last_us), key.batch)
    items, last = page_of(await call.context.batches.page(after, query.limit + 1), query.limit)
    following = None
    if last is not None:
        following = BATCHES.write(Latest(microseconds(last.last_at), last.batch), query)
    return Page([Batch(*_fields(one)) for one in items], following)


async def batch(call: Call[BatchPath, None, None]) -> BatchAlone:
    """One, counted."""
    async with along(call.context.pool) as connection:
        found = await read_batch(connection, call.path.id)
    if found is None:
        raise Failure("not-found", "There is no such batch, or nothing of it is stored yet.")
    stored, counts = found
    labels: Counter[str] = Counter()
    models: Counter[str] = Counter()
    for one in counts:
        labels[one.label] += one.records
        models[str(one.model)] += one.records
    reviewed = sum(one.reviewed for one in counts)
    return BatchAlone(*_fields(stored), labels.total(), labels, models, reviewed)


def _fields(stored: Stored) -> tuple[str, int, str, str]:
    return stored.batch, stored.records, stored.first_at.isoformat(), stored.last_at.isoformat()


HANDLERS: Handlers = {"batches": batches, "batch": batch}
