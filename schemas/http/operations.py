"""All operations in the order of the OpenAPI document, and the tags that group them."""

from __future__ import annotations

from relearn.schemas.http import (
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
from relearn.schemas.http.operation import Operation

#: The description of each tag.
TAGS = {
    "Batches": "Send records to be scored and stored; list batches and review their records.",
    "Predictions": "Stored predictions with explanations and feedback.",
    "Reviewing": "The review queue, and totals of each reviewer.",
    "Feedback": "Confirm and correct predictions, and read the state of feedback that was sent.",
    "Scoring": "Score records synchronously without storing them.",
    "Open Inference Protocol": "Score records with clients of the Open Inference Protocol, version 2.",
    "Stats": "Totals, rates, the champion and its accuracy.",
    "Monitoring": "Drift, workers, and dead letters with their redrive.",
    "Models": "The model registry, jobs, and automatic training.",
    "Events": "Live events.",
    "Server": "Liveness, readiness, metrics, and the API's documents.",
}

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
    *features.OPERATIONS,
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
