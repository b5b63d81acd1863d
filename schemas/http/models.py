"""Models: which there are, what stands behind each, and the very examples that each was trained on."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from relearn.schemas.http.accuracy import Accuracy
from relearn.schemas.http.jobs import FOLLOW, Job
from relearn.schemas.http.operation import JSON, AcceptedCommand, Count, Operation, Page, PageQuery, Time, Version
from relearn.schemas.messages.feedback import Via

State = Literal["champion", "former", "shadow", "rejected", "rolled-back"]
Source = Literal["bootstrap", "reviewed", "assumed"]
Format = Literal["json", "csv", "ndjson"]

CSV = "text/csv"
NDJSON = "application/x-ndjson"


class Model(Struct, frozen=True):
    """One model; from `activation` on, what its latest activation says."""

    version: Version
    state: State
    job: Annotated[str, Meta(description="The job that made it.")]
    metrics: Annotated[
        dict[str, Any],
        Meta(
            description="How good it was on examples that it had not seen; `bootstrap`: on those that were loaded as "
            "labelled data, which are the same for one model after another."
        ),
    ]
    live: Annotated[Accuracy | None, Meta(description="On what it answered; null where none of that was audited.")]
    examples: Annotated[Count, Meta(description="Labelled examples that it was trained on.")]
    assumed: Annotated[Count, Meta(description="Unreviewed predictions that it was trained on besides.")]
    created_at: Time
    activation: int | None
    activated_at: Time | None
    published_at: Annotated[Time | None, Meta(description="When the broker had its latest activation.")]
    reason: dict[str, Any] | None


class Activation(Struct, frozen=True):
    """One time that a model began to answer."""

    activation: int
    role: Literal["champion", "shadow"]
    job: str
    by: str | None
    reason: dict[str, Any]
    at: Time
    published_at: Time | None
    key_id: Annotated[str, Meta(description="The key that signed it.")]


class ModelLineage(Model, frozen=True):
    """A model and everything that stands behind it."""

    cut: Annotated[Count, Meta(description="The newest correction that its training could know.")]
    sha256: Annotated[str, Meta(description="Of the model's numbers, in hex.")]
    key_id: Annotated[str | None, Meta(description="The key that signed its latest activation.")]
    features: Annotated[list[str], Meta(description="The names of its features, in its order.")]
    sources: Annotated[dict[str, Count], Meta(description="How many examples came from where.")]
    classes: Annotated[dict[str, dict[str, Count]], Meta(description="The same for each class.")]
    made_by: Job
    activations: list[Activation]


class TrainingExample(Struct, frozen=True):
    """One example that a model was trained on, as it stood then."""

    source: Source
    id: Annotated[int | str, Meta(description="Its row there; the prediction's id where it is assumed.")]
    feedback: str | None
    prediction: str | None
    reviewer: str | None
    via: Via | None
    key: Annotated[str, Meta(description="What it is about: repeats of a key count once.")]
    label: str
    weight: float
    features: dict[str, float]


class ModelPath(Struct, frozen=True):
    """One model."""

    version: Version


class ModelsQuery(PageQuery, frozen=True):
    """Which models."""

    state: State | None = None


class ExamplesQuery(PageQuery, frozen=True):
    """How to write the examples."""

    format: Annotated[Format, Meta(description="`limit` and `cursor` are for json: the others are whole.")] = "json"


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "list_models",
        "GET",
        "/v1/models",
        "Models",
        "Models, the newest first.",
        query=ModelsQuery,
        answer=Page[Model],
        fails=("unavailable",),
    ),
    Operation(
        "get_model",
        "GET",
        "/v1/models/{version}",
        "Models",
        "One model with its whole lineage: the job that made it, what it was made of, each time that it answered.",
        path_type=ModelPath,
        answer=ModelLineage,
        fails=("not-found", "unavailable"),
    ),
    Operation(
        "list_model_examples",
        "GET",
        "/v1/models/{version}/examples",
        "Models",
        "The exact examples that a model was trained on, in the order of training.",
        description=(
            "As a page of JSON, or all of them as CSV or newline-delimited JSON (`format`). An answer of those that "
            "breaks off has no end: its last chunk is missing."
        ),
        path_type=ModelPath,
        query=ExamplesQuery,
        answer=Page[TrainingExample],
        media=(JSON, CSV, NDJSON),
        fails=("not-found", "too-many-requests", "unavailable"),
    ),
    Operation(
        "activate_model",
        "POST",
        "/v1/models/{version}/activate",
        "Models",
        "Make a model the champion. Automatic promotion is on hold afterwards, until it is resumed.",
        role="admin",
        description=FOLLOW,
        path_type=ModelPath,
        answer=AcceptedCommand,
        status=202,
        fails=("not-found", "unavailable"),
        idempotent=True,
    ),
)
