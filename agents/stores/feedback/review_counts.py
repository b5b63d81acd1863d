"""Reviews counted by Postgres, for the policy, which needs the counts each second and no rows.

A review is what `agents.learning.reviews.reviews` makes of statements, in SQL (`review_sql`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from relearn.agents.stores.feedback.review_sql import latest_reviews, latest_statements
from relearn.agents.stores.places import PLACE
from relearn.agents.stores.postgres import Connection, Pool, postgres_errors

_REVIEWS = f"""
WITH counted AS (
    SELECT id, model, {PLACE}, reviewer, via, label, predicted, arrival, sent_partition, sent_offset,
        extract(epoch FROM stored_at)::float8 AS stored_s
    FROM corrections WHERE {{which}}
), latest AS (
    {latest_statements("counted")}
), reviews AS (
    {latest_reviews("latest")}
)
SELECT {{what}} FROM reviews {{by}}
"""  # noqa: S608 - column names
_NEW = _REVIEWS.format(
    which="id > $1 ORDER BY id LIMIT $2",
    what="(SELECT max(id) FROM counted) AS cut, (SELECT max(stored_s) FROM counted) AS latest_s,"
    " EXISTS (SELECT FROM corrections WHERE id > (SELECT max(id) FROM counted)) AS more,"
    " coalesce(array_agg(stored_s ORDER BY stored_s), '{}') AS labels_s,"
    " coalesce(array_agg(stored_s ORDER BY stored_s) FILTER (WHERE label <> predicted), '{}') AS corrections_s",
    by="",
)
_AUDITS = _REVIEWS.format(
    which="model = ANY ($1)",
    what="model, (count(*) FILTER (WHERE via = 'audit'))::int,"
    " (count(*) FILTER (WHERE via = 'audit' AND label <> predicted))::int",
    by="GROUP BY model",
)


class New(NamedTuple):
    """Statements after a correction: times in epoch seconds, `…s_s` ascending, one per review.

    `cut`: the newest id that was counted. `more`: there are newer ones, which weren't counted.
    """

    cut: int
    latest_s: float | None
    corrections_s: tuple[float, ...]
    labels_s: tuple[float, ...]
    more: bool


class Audits(NamedTuple):
    """Audited predictions of one model, and how many of the audited were corrected."""

    rows: int
    corrected: int


NONE = Audits(0, 0)


async def count_new(connection: Connection, since: int, *, most: int) -> New:
    """The statements after correction `since`; only the first `most` count."""
    row = await connection.fetchrow(_NEW, since, most)
    cut = since if row["cut"] is None else row["cut"]
    return New(cut, row["latest_s"], tuple(row["corrections_s"]), tuple(row["labels_s"]), row["more"])


async def count_audits(connection: Connection, models: Sequence[int]) -> dict[int, Audits]:
    """The audits of these models; a model without statements is left out."""
    return {model: Audits(*counts) for model, *counts in await connection.fetch(_AUDITS, models)}


async def live_audits(pool: Pool, models: Sequence[int]) -> dict[int, Audits]:
    """As `count_audits`, on a connection of its own.

    Raises:
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        async with pool.acquire() as connection:
            return await count_audits(connection, models)
