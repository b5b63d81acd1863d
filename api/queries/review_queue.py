"""The stored predictions of the records that a reviewer gets."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from relearn.agents.stores.postgres import Pool, postgres_errors
from relearn.schemas.features import Strings
from relearn.schemas.identity import Place, place_columns

# LATERAL with a LIMIT is one index lookup per place, whatever statistics the planner has of the table.
_ANSWERS = """
SELECT found.* FROM unnest($1::int[], $2::int[], $3::bigint[], $4::int[]) AS u (g, p, o, i)
CROSS JOIN LATERAL (
    SELECT generation, kafka_partition, kafka_offset, record_index,
        id, subject, batch, context, features, strings, label, margins, confidence, model, ingested_at
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
    label: str
    margins: Sequence[float]
    confidence: float | None
    model: int
    ingested_at: datetime


async def read_answers(pool: Pool, places: Collection[Place]) -> dict[Place, Answer]:
    """The stored predictions among these places.

    Raises:
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        rows = await pool.fetch(_ANSWERS, *place_columns(places))
    return {Place(*row[:4]): Answer(*row[4:]) for row in map(tuple, rows)}
