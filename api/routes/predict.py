"""Synchronous scoring."""

from __future__ import annotations

from collections.abc import Sequence

from relearn.agents.learning.predict import score
from relearn.agents.models.reading import Reading, reading_of
from relearn.api.http.budget import VALUE_BYTES
from relearn.api.http.call import Call, Handlers
from relearn.api.http.json_rows import check_margins, matrix
from relearn.api.http.problems import ProblemError
from relearn.api.http.request import LEASE
from relearn.schemas.http.predict import PredictBody, PredictResult, Row


async def predict(call: Call[None, None, PredictBody]) -> PredictResult:
    """Scores all rows with one model: the live model is read once."""
    served = call.context.live.current
    if served is None:
        raise ProblemError("unavailable", "No model is live yet: train one, then retry.", headers={"Retry-After": "5"})
    lease, rows = call.request[LEASE], call.body.features
    lease.grow(VALUE_BYTES * len(rows) * (2 + served.model.weights.shape[0]))
    reading = reading_of(call.context.live, served)
    return await lease.run(lambda: _predict(reading, rows))


def _predict(reading: Reading, rows: Sequence[Row]) -> PredictResult:
    model, versions, onto = reading.served.model, reading.versions, reading.onto
    given = rows if versions is None else [versions.as_newest(row) for row in rows]
    numbers, string_of = matrix(given, reading.schema)
    found = score(model, numbers if onto is None else onto.rows(numbers), string_of)
    check_margins(found.margins)
    labels = [model.classes[i] for i in found.labels.tolist()]
    confidence = [None if chance != chance else chance for chance in found.confidence.tolist()]  # noqa: PLR0124 - NaN
    return PredictResult(model.version, labels, found.margins.tolist(), confidence)


HANDLERS: Handlers = {"predict": predict}
