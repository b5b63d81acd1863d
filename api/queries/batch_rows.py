"""Stored predictions of one batch, with the columns that a review of the batch needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from relearn.agents.stores.postgres import Pool, postgres_errors
from relearn.api.queries.models import ModelCache
from relearn.schemas.identity import Place, place_columns

_COLUMNS = "p.generation, p.kafka_partition, p.kafka_offset, p.record_index, p.subject, p.label, p.model"
_OF_SUBJECTS = f"""
SELECT {_COLUMNS} FROM predictions p WHERE p.batch = $1 AND p.subject = ANY($2::text[])
ORDER BY p.generation, p.kafka_partition, p.kafka_offset, p.record_index LIMIT $3
"""  # noqa: S608 - column names
_OF_PLACES = f"""
SELECT {_COLUMNS}
FROM unnest($2::int[], $3::int[], $4::bigint[], $5::int[]) WITH ORDINALITY AS u (g, p, o, i, n)
CROSS JOIN LATERAL (
    SELECT * FROM predictions
    WHERE generation = u.g AND kafka_partition = u.p AND kafka_offset = u.o AND record_index = u.i
    LIMIT 1
) AS p
WHERE p.batch = $1
ORDER BY u.n
"""  # noqa: S608 - the same
_UNREVIEWED = f"""
SELECT {_COLUMNS} FROM predictions p
WHERE p.batch = $1 AND NOT EXISTS (
    SELECT FROM corrections c WHERE (c.generation, c.kafka_partition, c.kafka_offset, c.record_index)
        = (p.generation, p.kafka_partition, p.kafka_offset, p.record_index)
)
ORDER BY p.ingested_at DESC LIMIT $2
"""  # noqa: S608 - the same

_DIGESTS = "SELECT version, sha256 FROM models WHERE version = ANY($1::int[])"


class BatchRow(NamedTuple):
    """A stored prediction: its label and model."""

    place: Place
    subject: str | None
    label: str
    model: int


async def is_batch(pool: Pool, batch: str) -> bool:
    """Whether a prediction of this batch is stored.

    Raises:
        PostgresUnavailable: retryable, as in all functions here.
    """
    with postgres_errors():
        return bool(await pool.fetchval("SELECT EXISTS (SELECT FROM predictions WHERE batch = $1)", batch))


async def rows_of_subjects(pool: Pool, batch: str, subjects: Sequence[str], limit: int) -> list[BatchRow]:
    """At most `limit` predictions of the batch with these subjects, ordered by subject as given, then by id."""
    with postgres_errors():
        found = _rows(await pool.fetch(_OF_SUBJECTS, batch, list(subjects), limit))
    order = {subject: i for i, subject in enumerate(subjects)}
    return sorted(found, key=lambda row: order[row.subject or ""])


async def rows_of_places(pool: Pool, batch: str, places: Sequence[Place]) -> list[BatchRow]:
    """These predictions as far as they are in the batch, in the order given."""
    with postgres_errors():
        return _rows(await pool.fetch(_OF_PLACES, batch, *place_columns(places)))


async def unreviewed_rows(pool: Pool, batch: str, without: Collection[Place], limit: int) -> list[BatchRow]:
    """At most `limit` predictions of the batch without feedback, newest first, leaving out `without`."""
    with postgres_errors():
        found = _rows(await pool.fetch(_UNREVIEWED, batch, limit + len(without)))
    return [row for row in found if row.place not in without][:limit]


async def classes_of(pool: Pool, models: ModelCache, versions: Iterable[int]) -> dict[int, tuple[str, ...]]:
    """The classes of each of these models that is registered and readable."""
    found: dict[int, tuple[str, ...]] = {}
    with postgres_errors():
        async with pool.acquire() as connection:
            for version, digest in await connection.fetch(_DIGESTS, list(set(versions))):
                model = await models.get(connection, version, digest)
                if model is not None:
                    found[version] = model.classes
    return found


def _rows(found: Iterable[Any]) -> list[BatchRow]:
    return [BatchRow(Place(*row[:4]), *row[4:]) for row in map(tuple, found)]
