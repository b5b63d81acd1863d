"""What to ask next: parts of one operation's answer that are another's parameters. Links of the OpenAPI document."""

from __future__ import annotations

from typing import NamedTuple


class Link(NamedTuple):
    """To which operation, and which of its parameters stands where in the answer (a JSON pointer)."""

    to: str
    parameter: str
    pointer: str


_BATCH = tuple(Link(to, "id", "/items/0/batch") for to in ("batch", "review_batch"))
_JOB = (Link("job", "id", "/id"),)
_PREDICTION = (
    Link("prediction", "id", "/items/0/prediction"),
    Link("prediction_feedback", "id", "/items/0/prediction"),
)
#: By the operation whose answer it is.
LINKS: dict[str, tuple[Link, ...]] = {
    "ingest": (Link("prediction", "id", "/predictions/0"), Link("review_batch", "id", "/batch_id")),
    "batches": _BATCH,
    "predictions": _PREDICTION,
    "review_queue": _PREDICTION,
    "models": tuple(Link(to, "version", "/items/0/version") for to in ("model", "examples", "activate")),
    "say": (Link("feedback_outcome", "id", "/ids/0"),),
    "dead_letters": tuple(Link(to, "id", "/items/0/id") for to in ("dead_letter", "redrive")),
    "jobs": (Link("job", "id", "/items/0/id"),),
    "train": _JOB,
    "activate": _JOB,
    "hold": _JOB,
    "resume": _JOB,
}
