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
from relearn.agents.stores.feedback.reviewer_statements import statements_since
from relearn.agents.stores.places import place_of_row
from relearn.agents.stores.postgres import Connection, Pool, postgres_errors
from relearn.schemas.errors import Refused
from relearn.schemas.features import codes_of, strings_by_code
from relearn.schemas.identity import INT32_MAX, Place
from relearn.schemas.model.linear_svm import Floats, Model, decode_model, model_digest

CHUNK = 5000
_COUNT_TIMEOUT_S = 3600.0
_ALL = INT32_MAX

_COUNT = "SELECT count(*) FROM predictions WHERE ingested_at >= $1 AND ingested_at < $2"
# Arrays in the bytes that Postgres would send: as Python's lists they would take most of the time.
_ROWS = """
SELECT generation, kafka_partition, kafka_offset, record_index, array_send(features) AS features, strings, label, model,
    CASE WHEN model = $3 THEN array_send(margins) END AS margins
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

    async def truths(self) -> dict[Place, str]:
        """The standing label of every prediction that was ever reviewed."""
        with postgres_errors():
            found = reviews(await statements_since(self.connection, 0, _ALL))
        return {one.place: one.label for one in found if one.label is not None}

    async def chunks(self, model: Model, size: int = CHUNK) -> AsyncGenerator[Stored, None]:
        """All of it, in no order, `size` at a time, with the margins of those that `model` had answered.

        Raises:
            Refused: a prediction doesn't fit the model.
        """
        with postgres_errors():
            cursor = await self.connection.cursor(_ROWS, self.begin, self.end, model.version)
            while rows := await cursor.fetch(size):
                yield _stored(rows, model)


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


def _stored(rows: Sequence[Any], model: Model) -> Stored:
    places = [place_of_row(row) for row in rows]
    return Stored(
        places,
        _rows(rows, model),
        [row["label"] for row in rows],
        np.array([row["model"] for row in rows], dtype=np.int64),
        _floats([row["margins"] for row in rows if row["margins"] is not None], len(model.bias), model),
        strings_by_code(row["strings"] for row in rows) if model.schema.texts else {},
    )


def _rows(rows: Sequence[Any], model: Model) -> Floats:
    """(n, d) the records' rows."""
    schema = model.schema
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
