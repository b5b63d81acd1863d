"""Reviewers, with their totals and how much they agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct

from relearn.agents.stores.postgres import read_snapshot
from relearn.api.http.call import Call, Handlers
from relearn.api.http.cursors import Cursors, TimeUs, microseconds, moment
from relearn.api.queries.reviewers import After, agreement, read_reviewers
from relearn.schemas.http.operation import Page, PageQuery
from relearn.schemas.http.reviewers import Reviewer


class ReviewerKey(Struct, frozen=True, array_like=True):
    """Position of a reviewer in the list, newest statement first."""

    last_us: TimeUs
    reviewer: Annotated[str, Meta(max_length=256, pattern=r"^[^\x00]*$")]


REVIEWERS = Cursors("reviewers", ReviewerKey)


async def list_reviewers(call: Call[None, PageQuery, None]) -> Page[Reviewer]:
    """A page of reviewers, with their agreement."""
    REVIEWERS.read(call.query)  # a malformed cursor is 400 also while Postgres is unavailable
    async with read_snapshot(call.context.pool, index_only=True) as connection:

        async def fetch(after: ReviewerKey | None, limit: int) -> Sequence[Any]:
            last = None if after is None else After(moment(after.last_us), after.reviewer)
            return await read_reviewers(connection, last, limit)

        rows, following = await REVIEWERS.page(call.query, fetch, _key_of)
        agreed = await agreement(connection, [row["reviewer"] for row in rows])
    return Page([_reviewer(row, *agreed.get(row["reviewer"], (0, 0))) for row in rows], following)


def _key_of(row: Any) -> ReviewerKey:
    return ReviewerKey(microseconds(row["last_at"]), row["reviewer"])


def _reviewer(row: Any, compared: int, agreed: int) -> Reviewer:
    counts = row["corrections"], row["confirmations"], row["withdrawals"]
    times = row["first_at"].isoformat(), row["last_at"].isoformat()
    share = agreed / compared if compared else None
    return Reviewer(row["reviewer"] or None, sum(counts), *counts, *times, compared, agreed, share, row["trusted"])


HANDLERS: Handlers = {"list_reviewers": list_reviewers}
