"""The groups of operations in the OpenAPI document, and what each contains."""

from __future__ import annotations

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
