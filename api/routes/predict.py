"""Synchronous scoring."""

from __future__ import annotations

from relearn.agents.learning.predict import score
from relearn.api.http.call import Call, Handlers
from relearn.api.http.json_rows import check_margins, matrix
from relearn.api.http.problems import ProblemError
from relearn.schemas.http.predict import PredictBody, PredictResult


async def predict(call: Call[None, None, PredictBody]) -> PredictResult:
    """Scores all rows with one model: the live model is read once."""
    served = call.context.live.current
    if served is None:
        raise ProblemError("unavailable", "No model is live yet: train one, then retry.", headers={"Retry-After": "5"})
    model = served.model
    found = score(model, matrix(call.body.features, model.feature_names))
    check_margins(found.margins)
    labels = [model.classes[i] for i in found.labels.tolist()]
    confidence = [None if chance != chance else chance for chance in found.confidence.tolist()]  # noqa: PLR0124 - NaN
    return PredictResult(model.version, labels, found.margins.tolist(), confidence)


HANDLERS: Handlers = {"predict": predict}
