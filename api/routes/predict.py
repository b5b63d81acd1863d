"""Scoring at once."""

from __future__ import annotations

from relearn.agents.learning.predict import score
from relearn.api.http.call import Call, Handlers
from relearn.api.http.json_rows import check_margins, matrix
from relearn.api.http.problems import Failure
from relearn.schemas.http.predict import PredictBody, PredictResult


async def predict(call: Call[None, None, PredictBody]) -> PredictResult:
    """All rows by one model: the reference is read once."""
    served = call.context.live.current
    if served is None:
        raise Failure("unavailable", "No model is live yet: train one, then ask again.", headers={"Retry-After": "5"})
    model = served.model
    found = score(model, matrix(call.body.features, model.feature_names))
    check_margins(found.margins)
    labels = [model.classes[i] for i in found.labels.tolist()]
    confidence = [None if chance != chance else chance for chance in found.confidence.tolist()]  # noqa: PLR0124 - NaN
    return PredictResult(model.version, labels, found.margins.tolist(), confidence)


HANDLERS: Handlers = {"predict": predict}
