"""Batches: records that were sent together, listed, counted and reviewed together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from relearn.agents.stores.postgres import postgres_errors, read_snapshot
from relearn.agents.stores.predictions.keyed_writes import first_places
from relearn.api.http.call import Call, Handlers
from relearn.api.http.context import Context
from relearn.api.http.cursors import Cursors, TimeUs, microseconds, moment
from relearn.api.http.problems import ProblemError, invalid_fields
from relearn.api.queries.batch_rows import (
    BatchRow,
    classes_of,
    is_batch,
    rows_of_places,
    rows_of_subjects,
    unreviewed_rows,
)
from relearn.api.queries.batches import StoredBatch, read_batch
from relearn.api.review.batch import Verdicts, check_known, confirmation_of, feedback_on, read_verdicts, verdict_on
from relearn.api.writes.feedback import reviewer_of, send_feedback
from relearn.schemas.http.batches import (
    MOST_REVIEWED,
    AcceptedBatchReview,
    Batch,
    BatchDetail,
    BatchPath,
    BatchReviewBody,
)
from relearn.schemas.http.operation import Page, PageQuery
from relearn.schemas.http.problems import FieldFault


class Latest(Struct, frozen=True, array_like=True):
    """Position of a batch in the list, by its last record, newest first."""

    last_us: TimeUs
    batch: Annotated[str, Meta(max_length=256, pattern=r"^[^\x00]*$")]


BATCHES = Cursors("batches", Latest)


async def list_batches(call: Call[None, PageQuery, None]) -> Page[Batch]:
    """A page of batches."""

    async def fetch(after: Latest | None, limit: int) -> Sequence[StoredBatch]:
        last = None if after is None else (moment(after.last_us), after.batch)
        return await call.context.batches.page(last, limit)

    rows, following = await BATCHES.page(call.query, fetch, lambda row: Latest(microseconds(row.last_at), row.batch))
    return Page([Batch(*_fields(row)) for row in rows], following)


async def get_batch(call: Call[BatchPath, None, None]) -> BatchDetail:
    """One batch with its counts."""
    async with read_snapshot(call.context.pool, index_only=True) as connection:
        found = await read_batch(connection, call.path.id)
    if found is None:
        raise ProblemError("not-found", "There is no such batch, or nothing of it is stored yet.")
    stored, counts = found
    labels: Counter[str] = Counter()
    models: Counter[str] = Counter()
    for one in counts:
        labels[one.label] += one.records
        models[str(one.model)] += one.records
    reviewed = sum(one.reviewed for one in counts)
    return BatchDetail(*_fields(stored), labels.total(), labels, models, reviewed)


def _fields(stored: StoredBatch) -> tuple[str, int, str, str]:
    return stored.batch, stored.records, stored.first_at.isoformat(), stored.last_at.isoformat()


async def review_batch(call: Call[BatchPath, None, BatchReviewBody]) -> AcceptedBatchReview:
    """Send feedback on all named predictions, or raise a problem with the ids that were written."""
    context, batch = call.context, call.path.id
    verdicts = read_verdicts(call.body)
    if not await is_batch(context.pool, batch):
        raise ProblemError("not-found", f"No record of a batch {batch!r} is stored.")
    verdicts = await _of_first_places(context, verdicts)
    reviewer = reviewer_of(call.caller, call.body.reviewer)
    rows = await _named_rows(context, batch, verdicts)
    classes = await _classes(context, [row for row in rows if verdict_on(row, verdicts).rating == 0])
    principal, write_id = call.caller.key_id, call.write_id
    feedback = [
        feedback_on(row, verdict_on(row, verdicts), classes, reviewer, principal=principal, write_id=write_id)
        for row in rows
    ]
    more = False
    if call.body.confirm_rest:
        room = MOST_REVIEWED - len(rows)
        rest = await unreviewed_rows(context.pool, batch, {row.place for row in rows}, room + 1)
        more = len(rest) > room
        feedback += [
            confirmation_of(row, context.settings.namespace, reviewer, call.caller.key_id) for row in rest[:room]
        ]
    await send_feedback(context, feedback, call.caller.client)
    return AcceptedBatchReview(batch, [str(one.prediction) for one in feedback], [one.id for one in feedback], more)


async def _of_first_places(context: Context, verdicts: Verdicts) -> Verdicts:
    """The verdicts with the places of repeated messages replaced by those of the records that were stored."""
    if not verdicts.places:
        return verdicts
    with postgres_errors():
        async with context.pool.acquire() as connection:
            first = await first_places(connection, list(verdicts.places))
    return verdicts._replace(places={first.get(place, place): one for place, one in verdicts.places.items()})


async def _named_rows(context: Context, batch: str, verdicts: Verdicts) -> Sequence[BatchRow]:
    if verdicts.places:
        rows = await rows_of_places(context.pool, batch, list(verdicts.places))
    else:
        rows = await rows_of_subjects(context.pool, batch, list(verdicts.subjects), MOST_REVIEWED + 1)
    if len(rows) > MOST_REVIEWED:
        raise invalid_fields(
            [FieldFault("subjects", f"more than {MOST_REVIEWED:,} records are about these: name fewer")]
        )
    check_known(verdicts, rows)
    return rows


async def _classes(context: Context, rows: Sequence[BatchRow]) -> dict[int, tuple[str, ...]]:
    """The classes of the models of these predictions, as far as they are known."""
    if not rows:
        return {}
    live = context.live.current
    known = {} if live is None else {live.model.version: live.model.classes}
    return {**known, **await classes_of(context.pool, context.models, {row.model for row in rows})}


HANDLERS: Handlers = {"list_batches": list_batches, "get_batch": get_batch, "review_batch": review_batch}
