"""The stored predictions of the records that a reviewer gets."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from relearn.agents.stores.postgres import Pool, postgres_errors
from relearn.agents.stores.training.models import schemas_of_rows
from relearn.schemas.features import FeatureSchema, Strings
from relearn.schemas.identity import Place, place_columns

# LATERAL with a LIMIT is one index lookup per place, whatever statistics the planner has of the table.
_ANSWERS = """
SELECT found.* FROM unnest($1::int[], $2::int[], $3::bigint[], $4::int[]) AS u (g, p, o, i)
CROSS JOIN LATERAL (
    SELECT generation, kafka_partition, kafka_offset, record_index,
        id, subject, batch, context, features, strings, schema, label, margins, confidence, model, ingested_at
    FROM predictions WHERE generation = u.g AND kafka_partition = u.p AND kafka_offset = u.o AND record_index = u.i
    LIMIT 1
) AS found
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """A stored prediction: a record, and one model's answer."""

    id: str | None
    subject: str | None
    batch: str | None
    context: str | None
    features: Sequence[float]
    strings: Strings | None
    version: int | None
    label: str
    margins: Sequence[float]
    confidence: float | None
    model: int
    ingested_at: datetime
    schema: FeatureSchema | None = None
    """That of `version`, else of its model; None: not registered, or there are numbers alone."""


async def read_answers(pool: Pool, places: Collection[Place]) -> dict[Place, Answer]:
    """The stored predictions among these places.

    Raises:
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        async with pool.acquire() as connection:
            rows = await connection.fetch(_ANSWERS, *place_columns(places))
            schema_of = await schemas_of_rows(connection, rows)
    return {Place(*row[:4]): replace(Answer(*tuple(row)[4:]), schema=schema_of(row)) for row in rows}
