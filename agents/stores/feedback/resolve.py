"""Feedback → the stored prediction that it is about, by place or by the producer's record id."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from relearn.agents.learning.training_set import example_key
from relearn.agents.stores.places import place_of_row
from relearn.agents.stores.postgres import Connection
from relearn.agents.stores.predictions.keyed_writes import first_places
from relearn.schemas.features import row_of
from relearn.schemas.identity import Place, place_columns
from relearn.schemas.messages.feedback import Feedback

# LATERAL with a LIMIT is one index lookup per place or record id, whatever statistics the planner has of the table.
_REF_COLUMNS = """
generation, kafka_partition, kafka_offset, record_index, ingested_at, subject,
CASE WHEN subject IS NULL THEN features END AS features, CASE WHEN subject IS NULL THEN strings END AS strings
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
    key = example_key(row["subject"], np.array(row_of(row["features"] or (), row["strings"]), dtype=np.float64))
    return PredictionRef(place_of_row(row), row["ingested_at"], key)
