"""A span of stored predictions, read once by a cursor to be scored again. Read-only: no live row is touched."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from relearn.agents.learning.replay import Stored
from relearn.agents.learning.reviews import reviews
from relearn.agents.stores.features.onto import Onto, read_onto_model
from relearn.agents.stores.feedback.reviewer_statements import statements_since
from relearn.agents.stores.places import place_of_row
from relearn.agents.stores.postgres import Connection, Pool, postgres_errors
from relearn.schemas.errors import Refused
from relearn.schemas.features import FeatureSchema, codes_of, same_kinds, strings_by_code
from relearn.schemas.identity import INT32_MAX, Place
from relearn.schemas.model.linear_svm import Floats, Model, decode_model, model_digest

CHUNK = 5000
_COUNT_TIMEOUT_S = 3600.0
_ALL = INT32_MAX

_COUNT = "SELECT count(*) FROM predictions WHERE ingested_at >= $1 AND ingested_at < $2"
# Arrays in the bytes that Postgres would send: as Python's lists they would take most of the time.
_ROWS = """
SELECT generation, kafka_partition, kafka_offset, record_index, array_send(features) AS features, strings, schema,
    label, model, CASE WHEN model = $3 THEN array_send(margins) END AS margins
FROM predictions WHERE ingested_at >= $1 AND ingested_at < $2
"""


@dataclass(frozen=True, slots=True)
class Span:
    """The `rows` predictions ingested from `begin` on and before `end`, as they stood when it was opened."""

    connection: Connection
    begin: datetime
    end: datetime
    rows: int

    async def model(self, version: int) -> Model:
        """A model's numbers.

        Raises:
            Refused: there is no such model, or its bytes aren't those that were registered.
        """
        with postgres_errors():
            row = await self.connection.fetchrow("SELECT body, sha256 FROM models WHERE version = $1", version)
        if row is None:
            raise Refused(f"there is no model {version}")
        if model_digest(row["body"]) != row["sha256"]:
            raise Refused(f"model {version} isn't what was registered: its SHA-256 is another")
        return decode_model(row["body"])

    async def comparable(self, model: Model, other: Model) -> bool:
        """Whether both are of the same features, or of versions that followed one another."""
        if same_kinds(model.schema, other.schema):
            return True
        versions = (await read_onto_model(self.connection, one) for one in (model, other))
        return all([one is not None async for one in versions])

    async def truths(self) -> dict[Place, str]:
        """The standing label of every prediction that was ever reviewed."""
        with postgres_errors():
            found = reviews(await statements_since(self.connection, 0, _ALL))
        return {one.place: one.label for one in found if one.label is not None}

    async def chunks(
        self, model: Model, compare: Model | None = None, size: int = CHUNK
    ) -> AsyncGenerator[Stored, None]:
        """All of it, in no order, `size` at a time, with the margins of those that `model` had answered.

        Rows are as `model` scores them, and as `compare` does.

        Raises:
            Refused: a prediction doesn't fit a model.
        """
        with postgres_errors():
            onto = await read_onto_model(self.connection, model)
            other = None if compare is None else await read_onto_model(self.connection, compare)
            cursor = await self.connection.cursor(_ROWS, self.begin, self.end, model.version)
            while rows := await cursor.fetch(size):
                yield _stored(rows, model, onto, compare, other)


@asynccontextmanager
async def open_span(pool: Pool, begin: datetime, end: datetime) -> AsyncIterator[Span]:
    """A span of time, in one read-only transaction of a connection of its own. Times with an offset.

    Raises:
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        connection = await pool.acquire()
    try:
        with postgres_errors():
            transaction = connection.transaction(isolation="repeatable_read", readonly=True)
            await transaction.start()
            # Counting takes its time, and so may the reader between two pages.
            await connection.execute(
                "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
            )
            rows = await connection.fetchval(_COUNT, begin, end, timeout=_COUNT_TIMEOUT_S)
        yield Span(connection, begin, end, rows)
    finally:
        # Nothing was written, so nothing needs an end: with its connection the transaction is gone.
        connection.terminate()
        await pool.release(connection)


def _stored(rows: Sequence[Any], model: Model, onto: Onto | None, compare: Model | None, other: Onto | None) -> Stored:
    places = [place_of_row(row) for row in rows]
    features = _rows(rows, model, onto)
    same = compare is None or (onto is None and other is None)
    return Stored(
        places,
        features,
        [row["label"] for row in rows],
        np.array([row["model"] for row in rows], dtype=np.int64),
        _floats([row["margins"] for row in rows if row["margins"] is not None], len(model.bias), model),
        _strings(rows, model, onto)
        if compare is None
        else _strings(rows, model, onto) | _strings(rows, compare, other),
        features if same or compare is None else _rows(rows, compare, other),
    )


def _strings(rows: Sequence[Any], model: Model, onto: Onto | None) -> dict[float, str]:
    """The string of each code in the rows that the model scores, if it reads any."""
    if not model.schema.texts:
        return {}
    return {**strings_by_code(row["strings"] for row in rows), **(onto.strings if onto is not None else {})}


def _rows(rows: Sequence[Any], model: Model, onto: Onto | None) -> Floats:
    """(n, d) the records' rows, as the model scores them."""
    if onto is None:
        return _rows_of(rows, model.schema, model)
    versions = np.array([onto.version_of(row["schema"], row["model"]) for row in rows])
    found = np.empty((len(rows), len(model.schema)))
    for version in np.unique(versions).tolist():
        at = np.flatnonzero(versions == version)
        projection = onto.projection(version)
        if projection is None:
            raise Refused(f"a prediction has features of version {version}, which model {model.version} can't score")
        schema = onto.chain.by_number[version].schema
        found[at] = projection.rows(_rows_of([rows[i] for i in at.tolist()], schema, model))
    return found


def _rows_of(rows: Sequence[Any], schema: FeatureSchema, model: Model) -> Floats:
    """(n, d) rows of `schema`."""
    if any(len(row["strings"] or ()) != len(schema.strings) for row in rows):
        raise Refused(f"a prediction has other strings than model {model.version}")
    # Postgres sends an array without elements in another form.
    arrays = [row["features"] for row in rows]
    numbers = _floats(arrays, len(schema.numbers), model) if schema.numbers else np.empty((len(rows), 0))
    if not schema.strings:
        return numbers
    return np.hstack([numbers, np.array([codes_of(row["strings"]) for row in rows]).reshape(len(rows), -1)])


def _floats(arrays: Sequence[bytes], width: int, model: Model) -> Floats:
    """(n, width) of arrays of float8 as Postgres sends them: five numbers ahead, and each value behind its size."""
    layout = np.dtype([("head", ">i4", 5), ("cells", [("size", ">i4"), ("value", ">f8")], width)])
    if any(len(one) != layout.itemsize for one in arrays):
        found = next((len(one) - 20) // 12 for one in arrays if len(one) != layout.itemsize)
        raise Refused(f"a prediction has {found} numbers where model {model.version} has {width}")
    values = np.frombuffer(b"".join(arrays), dtype=layout)["cells"]["value"]
    return values.astype(np.float64).reshape(len(arrays), width)
