"""The handlers, one module per subject as in `schemas.http`: each translates a request to a query or a message.

A handler has the name of its operation.
"""

from __future__ import annotations

from relearn.api.http.call import Handler
from relearn.api.routes import (
    batches,
    dead_letters,
    documents,
    drift,
    events,
    features,
    feedback,
    inference,
    ingest,
    jobs,
    meta,
    models,
    page,
    predict,
    predictions,
    retraining,
    review_queue,
    reviewers,
    stats,
    workers,
)

HANDLERS: dict[str, Handler] = {
    **ingest.HANDLERS,
    **batches.HANDLERS,
    **predictions.HANDLERS,
    **review_queue.HANDLERS,
    **feedback.HANDLERS,
    **reviewers.HANDLERS,
    **predict.HANDLERS,
    **inference.HANDLERS,
    **stats.HANDLERS,
    **drift.HANDLERS,
    **features.HANDLERS,
    **workers.HANDLERS,
    **dead_letters.HANDLERS,
    **models.HANDLERS,
    **jobs.HANDLERS,
    **retraining.HANDLERS,
    **events.HANDLERS,
    **meta.HANDLERS,
    **documents.HANDLERS,
    **page.HANDLERS,
}
