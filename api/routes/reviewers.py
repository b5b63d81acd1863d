"""Reviewers, with their totals and how much they agree."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from relearn.api.http.call import Call, Handlers
from relearn.api.http.cursors import Cursors, TimeUs, microseconds, moment, page_of
from relearn.api.queries.index_only import along
from relearn.api.queries.reviewers import Spoke, agreement, read_reviewers
from relearn.schemas.http.operation import Page, PageQuery
from relearn.schemas.http.reviewers import Reviewer


class LastSpoke(Struct, frozen=True, array_like=True):
    """Position of a reviewer in the list, newest statement first."""

    last_us: TimeUs
    reviewer: Annotated[str, Meta(max_length=256, pattern=r"^[^\x00]*$")]


REVIEWERS = Cursors("reviewers", LastSpoke)


async def reviewers(call: Call[None, PageQuery, None]) -> Page[Reviewer]:
    """A page of them."""
    query = call.query
    key = REVIEWERS.read(query)
    after = None if key is None else Spoke(moment(key.last_us), key.reviewer)
    async with along(call.context.pool) as connection:
        rows, last = page_of(await read_reviewers(connection, after, query.limit + 1), query.limit)
        agreed = await agreement(connection, [row["reviewer"] for row in rows])
    following = None
    if last is not None:
        following = REVIEWERS.write(LastSpoke(microseconds(last["last_at"]), last["reviewer"]), query)
    return Page([_reviewer(row, *agreed.get(row["reviewer"], (0, 0))) for row in rows], following)


def _reviewer(row: Any, compared: int, agreed: int) -> Reviewer:
    counts = row["corrections"], row["confirmations"], row["withdrawals"]
    times = row["first_at"].isoformat(), row["last_at"].isoformat()
    share = agreed / compared if compared else None
    return Reviewer(row["reviewer"] or None, sum(counts), *counts, *times, compared, agreed, share)


HANDLERS: Handlers = {"list_reviewers": reviewers}
