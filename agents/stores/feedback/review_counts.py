"""What reviews come to, counted by Postgres: the policy asks for that each second, and needs no row of them.

A review is what `agents.learning.reviews.reviews` makes of statements: of each prediction the latest of what its
reviewers say now, without what was taken back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from relearn.agents.stores.places import PLACE
from relearn.agents.stores.postgres import Connection, Pool, translated

#: More new statements than this are not counted: every threshold is far below.
NEW_MAX = 10_000

_SENT = "sent_at DESC, sent_partition DESC, sent_offset DESC"
_REVIEWS = f"""
WITH said AS (
    SELECT id, model, {PLACE}, reviewer, via, label, predicted, sent_at, sent_partition, sent_offset,
        extract(epoch FROM stored_at)::float8 AS stored_s
    FROM corrections WHERE {{which}}
), standing AS (
    SELECT DISTINCT ON ({PLACE}, reviewer) * FROM said ORDER BY {PLACE}, reviewer, {_SENT}
), reviews AS (
    SELECT DISTINCT ON ({PLACE}) * FROM standing WHERE label IS NOT NULL ORDER BY {PLACE}, {_SENT}
)
SELECT {{what}} FROM reviews {{by}}
"""  # noqa: S608 - column names
_NEW = _REVIEWS.format(
    which="id > $1 ORDER BY id LIMIT $2",
    what="(SELECT max(id) FROM said) AS cut, (SELECT max(stored_s) FROM said) AS latest_s, count(*)::int AS labels,"
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
    """What was said since a correction; moments in epoch seconds, `corrections_s` ascending. `cut`: its newest id."""

    cut: int
    latest_s: float | None
    labels: int
    corrections_s: tuple[float, ...]


class Audits(NamedTuple):
    """How many of a model's predictions were audited, and how many of those were corrected."""

    rows: int
    corrected: int


NONE = Audits(0, 0)


async def count_new(connection: Connection, since: int) -> New:
    """What was said after correction `since`, of which the first NEW_MAX statements count."""
    row = await connection.fetchrow(_NEW, since, NEW_MAX)
    cut = since if row["cut"] is None else row["cut"]
    return New(cut, row["latest_s"], row["labels"], tuple(row["corrections_s"]))


async def count_audits(connection: Connection, models: Sequence[int]) -> dict[int, Audits]:
    """What audits say of these models; without those of which nothing was ever said."""
    return {model: Audits(*counts) for model, *counts in await connection.fetch(_AUDITS, models)}


async def live_audits(pool: Pool, models: Sequence[int]) -> dict[int, Audits]:
    """As `count_audits`, for who holds no connection.

    Raises:
        PostgresUnavailable: ask again.
    """
    with translated():
        async with pool.acquire() as connection:
            return await count_audits(connection, models)
