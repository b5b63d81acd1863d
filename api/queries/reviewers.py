"""Totals of each reviewer, and how much reviewers agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from relearn.agents.stores.feedback.review_sql import latest_statements
from relearn.agents.stores.places import PLACE
from relearn.agents.stores.postgres import Connection
from relearn.schemas.http.reviewers import COMPARED

_REVIEWERS = """
SELECT reviewer, corrections, confirmations, withdrawals, first_at, last_at,
    EXISTS (SELECT FROM trusted_senders s WHERE s.reviewer = t.reviewer AND s.ended_at IS NULL) AS trusted
FROM reviewer_totals t
WHERE (last_at, reviewer) < ($1, $2)
ORDER BY last_at DESC, reviewer DESC LIMIT $3
"""
# Counts per prediction and label, not pairs: a prediction with thousands of labels has millions of pairs.
_AGREEMENT = f"""
WITH latest AS (
    SELECT {PLACE}, coalesce(reviewer, '') AS reviewer, label, arrival, sent_partition, sent_offset
    FROM corrections ORDER BY id DESC LIMIT $1
), of_reviewers AS (
    {latest_statements("latest")}
), counted AS (
    SELECT reviewer, count(*) OVER (PARTITION BY {PLACE}) - 1 AS compared,
        count(*) OVER (PARTITION BY {PLACE}, label) - 1 AS agreed
    FROM of_reviewers WHERE label IS NOT NULL
)
SELECT reviewer, sum(compared)::bigint, sum(agreed)::bigint FROM counted
WHERE reviewer = ANY($2) GROUP BY reviewer
"""  # noqa: S608 - column names


class After(NamedTuple):
    """Position of a reviewer in the list: time of the newest statement, and the name ('' for feedback without)."""

    last_at: datetime
    reviewer: str


_TOP = After(datetime.max.replace(tzinfo=UTC), "")


async def read_reviewers(connection: Connection, after: After | None, limit: int) -> Sequence[Any]:
    """The totals of at most `limit` reviewers, newest statement first."""
    rows: Sequence[Any] = await connection.fetch(_REVIEWERS, *(after or _TOP), limit)
    return rows


async def agreement(connection: Connection, reviewers: Sequence[str]) -> Mapping[str, tuple[int, int]]:
    """Per reviewer with labels on predictions that others labelled too: labels compared with, and equal ones."""
    rows = await connection.fetch(_AGREEMENT, COMPARED, reviewers)
    return {reviewer: (compared, agreed) for reviewer, compared, agreed in rows}
