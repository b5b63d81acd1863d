"""Stored predictions looked up one by one: by place, or by the producer's record id that feedback names."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from relearn.agents.learning.training_set import example_key
from relearn.agents.stores.places import place_of_row
from relearn.agents.stores.postgres import Connection, Pool, postgres_errors
from relearn.agents.stores.predictions.writes import first_places
from relearn.schemas.identity import Place, place_columns
from relearn.schemas.messages.feedback import Feedback

# LATERAL with a LIMIT is one index lookup per place or record id, whatever statistics the planner has of the table.
_ANSWERS = """
SELECT found.* FROM unnest($1::int[], $2::int[], $3::bigint[], $4::int[]) AS u (g, p, o, i)
CROSS JOIN LATERAL (
    SELECT generation, kafka_partition, kafka_offset, record_index,
        id, subject, batch, context, features, label, margins, confidence, model, ingested_at
    FROM predictions WHERE generation = u.g AND kafka_partition = u.p AND kafka_offset = u.o AND record_index = u.i
    LIMIT 1
) AS found
"""
_REF_COLUMNS = """
generation, kafka_partition, kafka_offset, record_index, ingested_at, subject,
CASE WHEN subject IS NULL THEN features END AS features
"""
_BY_PLACE = f"""
SELECT u.n, found.*
FROM unnest($1::int[], $2::int[], $3::bigint[], $4::int[]) WITH ORDINALITY AS u (g, p, o, i, n)
CROSS JOIN LATERAL (
    SELECT {_REF_COLUMNS} FROM predictions
    WHERE generation = u.g AND kafka_partition = u.p AND kafka_offset = u.o AND record_index = u.i
    LIMIT 1
) AS found
"""  # noqa: S608 - column names
_BY_RECORD = f"""
SELECT u.n, found.*
FROM unnest($1::text[]) WITH ORDINALITY AS u (record, n)
CROSS JOIN LATERAL (
    SELECT {_REF_COLUMNS} FROM predictions WHERE id = u.record
    ORDER BY ingested_at DESC, generation DESC, kafka_partition DESC, kafka_offset DESC, record_index DESC
    LIMIT 1
) AS found
"""  # noqa: S608 - column names


@dataclass(frozen=True, slots=True)
class Answer:
    """A stored prediction: a record, and one model's answer."""

    id: str | None
    subject: str | None
    batch: str | None
    context: str | None
    features: Sequence[float]
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


class PredictionRef(NamedTuple):
    """A stored prediction by its primary key, and its record's key (`agents.learning.training_set.example_key`)."""

    place: Place
    ingested_at: datetime
    key: str


async def resolve_predictions(connection: Connection, feedback: Sequence[Feedback]) -> list[PredictionRef | None]:
    """The prediction that each names; None where no such prediction is stored yet.

    By place if the feedback has one, else the prediction of the newest (by ingestion) record with that id. A place in a
    repeated message means the record of the first one.
    """
    found: list[PredictionRef | None] = [None] * len(feedback)
    places = [(i, one.prediction) for i, one in enumerate(feedback) if one.prediction is not None]
    records = [(i, one.record) for i, one in enumerate(feedback) if one.prediction is None]
    if places:
        for row in await connection.fetch(_BY_PLACE, *place_columns(place for _, place in places)):
            found[places[row["n"] - 1][0]] = _ref_of_row(row)
        missing = [(i, place) for i, place in places if found[i] is None]
        first = await first_places(connection, [place for _, place in missing]) if missing else {}
        repeats = [(i, first[place]) for i, place in missing if place in first]
        if repeats:
            for row in await connection.fetch(_BY_PLACE, *place_columns(place for _, place in repeats)):
                found[repeats[row["n"] - 1][0]] = _ref_of_row(row)
    if records:
        for row in await connection.fetch(_BY_RECORD, [record for _, record in records]):
            found[records[row["n"] - 1][0]] = _ref_of_row(row)
    return found


def _ref_of_row(row: Any) -> PredictionRef:
    key = example_key(row["subject"], np.array(row["features"] or (), dtype=np.float64))
    return PredictionRef(place_of_row(row), row["ingested_at"], key)
