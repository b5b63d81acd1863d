"""Which stored prediction a statement is about: it names a place, or a record by the producer's own id."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from relearn.agents.learning.training_set import example_key
from relearn.agents.stores.postgres import Connection
from relearn.schemas.identity import Place, place_columns
from relearn.schemas.messages.feedback import Feedback

_COLUMNS = """
generation, kafka_partition, kafka_offset, record_index, ingested_at, subject,
CASE WHEN subject IS NULL THEN features END AS features
"""
# LATERAL with a LIMIT is one look into the index per name, whatever the planner thinks of the table.
_BY_PLACE = f"""
SELECT u.n, found.*
FROM unnest($1::int[], $2::int[], $3::bigint[], $4::int[]) WITH ORDINALITY AS u (g, p, o, i, n)
CROSS JOIN LATERAL (
    SELECT {_COLUMNS} FROM predictions
    WHERE generation = u.g AND kafka_partition = u.p AND kafka_offset = u.o AND record_index = u.i
    LIMIT 1
) AS found
"""  # noqa: S608 - column names
_BY_RECORD = f"""
SELECT u.n, found.*
FROM unnest($1::text[]) WITH ORDINALITY AS u (record, n)
CROSS JOIN LATERAL (
    SELECT {_COLUMNS} FROM predictions WHERE id = u.record
    ORDER BY ingested_at DESC, generation DESC, kafka_partition DESC, kafka_offset DESC, record_index DESC
    LIMIT 1
) AS found
"""  # noqa: S608 - column names


class PredictionRef(NamedTuple):
    """A stored prediction by its primary key, and what it is about (`agents.learning.training_set.example_key`)."""

    place: Place
    ingested_at: datetime
    key: str


async def resolve_predictions(connection: Connection, said: Sequence[Feedback]) -> list[PredictionRef | None]:
    """The prediction that each names; None where none is stored yet.

    By place if one is given, else the newest (by ingestion) of the record with that id.
    """
    found: list[PredictionRef | None] = [None] * len(said)
    places = [(i, one.prediction) for i, one in enumerate(said) if one.prediction is not None]
    records = [(i, one.record) for i, one in enumerate(said) if one.prediction is None]
    if places:
        for row in await connection.fetch(_BY_PLACE, *place_columns(place for _, place in places)):
            found[places[row["n"] - 1][0]] = _named(row)
    if records:
        for row in await connection.fetch(_BY_RECORD, [record for _, record in records]):
            found[records[row["n"] - 1][0]] = _named(row)
    return found


def _named(row: Any) -> PredictionRef:
    place = Place(row["generation"], row["kafka_partition"], row["kafka_offset"], row["record_index"])
    key = example_key(row["subject"], np.array(row["features"] or (), dtype=np.float64))
    return PredictionRef(place, row["ingested_at"], key)
