"""Links of the OpenAPI document: parts of one operation's answer that are parameters of another operation."""

from __future__ import annotations

from typing import NamedTuple


class Link(NamedTuple):
    """The linked operation, its parameter, and the parameter's JSON pointer in the answer."""

    to: str
    parameter: str
    pointer: str


_BATCH = tuple(Link(to, "id", "/items/0/batch") for to in ("get_batch", "review_batch"))
_JOB = (Link("get_job", "id", "/id"),)
_PREDICTION = (
    Link("get_prediction", "id", "/items/0/prediction"),
    Link("list_prediction_feedback", "id", "/items/0/prediction"),
)
#: By the id of the operation that sends the answer.
LINKS: dict[str, tuple[Link, ...]] = {
    "create_batch": (Link("get_prediction", "id", "/predictions/0"), Link("review_batch", "id", "/batch_id")),
    "list_batches": _BATCH,
    "list_predictions": _PREDICTION,
    "list_review_items": _PREDICTION,
    "claim_review_items": _PREDICTION,
    "list_models": tuple(
        Link(to, "version", "/items/0/version") for to in ("get_model", "list_model_examples", "activate_model")
    ),
    "create_feedback": (Link("get_feedback", "id", "/ids/0"),),
    "list_dead_letters": tuple(Link(to, "id", "/items/0/id") for to in ("get_dead_letter", "redrive_dead_letter")),
    "list_jobs": (Link("get_job", "id", "/items/0/id"),),
    "train_model": _JOB,
    "activate_model": _JOB,
    "hold_retraining": _JOB,
    "resume_retraining": _JOB,
}
