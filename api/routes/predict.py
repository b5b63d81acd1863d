"""Synchronous scoring."""

from __future__ import annotations

from collections.abc import Sequence

from relearn.agents.learning.predict import score
from relearn.api.http.budget import VALUE_BYTES
from relearn.api.http.call import Call, Handlers
from relearn.api.http.json_rows import check_margins, matrix
from relearn.api.http.problems import ProblemError
from relearn.api.http.request import LEASE
from relearn.schemas.http.predict import PredictBody, PredictResult, Row
from relearn.schemas.model.linear_svm import Model


async def predict(call: Call[None, None, PredictBody]) -> PredictResult:
    """Scores all rows with one model: the live model is read once."""
    served = call.context.live.current
    if served is None:
        raise ProblemError("unavailable", "No model is live yet: train one, then retry.", headers={"Retry-After": "5"})
    lease, rows = call.request[LEASE], call.body.features
    lease.grow(VALUE_BYTES * len(rows) * (2 + served.model.weights.shape[0]))
    return await lease.run(lambda: _predict(served.model, rows))


def _predict(model: Model, rows: Sequence[Row]) -> PredictResult:
    found = score(model, *matrix(rows, model.schema))
    check_margins(found.margins)
    labels = [model.classes[i] for i in found.labels.tolist()]
    confidence = [None if chance != chance else chance for chance in found.confidence.tolist()]  # noqa: PLR0124 - NaN
    return PredictResult(model.version, labels, found.margins.tolist(), confidence)


HANDLERS: Handlers = {"predict": predict}
