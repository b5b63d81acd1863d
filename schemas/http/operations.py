"""All operations, in the order of the document."""

from __future__ import annotations

from relearn.schemas.http import (
    batches,
    dead_letters,
    documents,
    drift,
    events,
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
from relearn.schemas.http.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *ingest.OPERATIONS,
    *batches.OPERATIONS,
    *predictions.OPERATIONS,
    *review_queue.OPERATIONS,
    *feedback.OPERATIONS,
    *reviewers.OPERATIONS,
    *predict.OPERATIONS,
    *inference.OPERATIONS,
    *stats.OPERATIONS,
    *drift.OPERATIONS,
    *workers.OPERATIONS,
    *dead_letters.OPERATIONS,
    *models.OPERATIONS,
    *jobs.OPERATIONS,
    *retraining.OPERATIONS,
    *events.OPERATIONS,
    *meta.OPERATIONS,
    *documents.OPERATIONS,
    *page.OPERATIONS,
)
