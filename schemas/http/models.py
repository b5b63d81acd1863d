"""Models: the registry, the lineage of each model, and the exact examples that it was trained on."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from relearn.schemas.features import Value
from relearn.schemas.http.accuracy import Accuracy
from relearn.schemas.http.jobs import FOLLOW, Facts, Job
from relearn.schemas.http.operation import (
    JSON,
    AcceptedCommand,
    Count,
    Operation,
    Page,
    PageQuery,
    Time,
    Version,
    described_by,
)
from relearn.schemas.http.training_metrics import TrainingMetrics
from relearn.schemas.messages.feedback import Via

State = Literal["champion", "former", "shadow", "rejected", "rolled-back"]
Source = Literal["bootstrap", "reviewed", "assumed"]
Format = Literal["json", "csv", "ndjson"]

CSV = "text/csv"
NDJSON = "application/x-ndjson"


class Model(Struct, frozen=True):
    """One model; the fields from `activation` on are those of its latest activation."""

    version: Version
    state: State
    job: Annotated[str, Meta(description="The job that trained or imported it.")]
    schema: Annotated[int, Meta(description="The version of the features that it was trained on.")]
    metrics: Annotated[dict[str, Any], described_by(TrainingMetrics)]
    live: Annotated[Accuracy | None, Meta(description="Accuracy on its live predictions; null without audits.")]
    examples: Annotated[Count, Meta(description="Labelled examples that it was trained on; 0: it was imported.")]
    assumed: Annotated[
        Count, Meta(description="Unreviewed predictions in its training set, with the champion's label.")
    ]
    created_at: Time
    activation: int | None
    activated_at: Time | None
    published_at: Annotated[Time | None, Meta(description="When the broker acknowledged its latest activation.")]
    reason: Facts | None


class Activation(Struct, frozen=True):
    """One activation of a model."""

    activation: int
    role: Literal["champion", "shadow"]
    job: str
    by: str | None
    reason: Facts
    at: Time
    published_at: Time | None
    key_id: Annotated[str, Meta(description="The key that signed it.")]


class ModelLineage(Model, frozen=True):
    """A model with its training set, its job and its activations."""

    cut: Annotated[Count, Meta(description="Id of the newest correction that its training read.")]
    sha256: Annotated[str, Meta(description="SHA-256 of the model's numbers, in hex.")]
    key_id: Annotated[str | None, Meta(description="The key that signed its latest activation.")]
    features: Annotated[list[str], Meta(description="Names of its features, in the model's order.")]
    sources: Annotated[dict[str, Count], Meta(description="Number of examples by source.")]
    labels_available: Annotated[
        Count | None,
        Meta(
            description="Labelled examples that there were at its training. Where `examples` is less, it was trained on"
            " the newest of them and a sample of the others. null: trained before this was counted, on all."
        ),
    ]
    labels_limit: Annotated[Count | None, Meta(description="`RELEARN_TRAIN_MAX_LABELS` at its training.")]
    classes: Annotated[dict[str, dict[str, Count]], Meta(description="Number of examples by class and source.")]
    made_by: Job
    activations: list[Activation]


class TrainingExample(Struct, frozen=True):
    """One example of a training set, as it was at the time of training."""

    source: Source
    id: Annotated[int | str, Meta(description="Id of its row in the source; the prediction's id if `assumed`.")]
    feedback: str | None
    prediction: str | None
    reviewer: str | None
    via: Via | None
    key: Annotated[str, Meta(description="Key of the example: examples with equal keys count once.")]
    label: str
    weight: float
    features: dict[str, Value]


class ModelPath(Struct, frozen=True):
    """One model."""

    version: Version


class ModelsQuery(PageQuery, frozen=True):
    """Filters of the list."""

    state: State | None = None


class ExamplesQuery(PageQuery, frozen=True):
    """Format and page of the examples."""

    format: Annotated[
        Format, Meta(description="`csv` and `ndjson` return all examples; `limit` and `cursor` apply to `json`.")
    ] = "json"


class ActivateQuery(Struct, frozen=True):
    """How to activate a model."""

    force: Annotated[
        bool, Meta(description="true: also a model that was rejected or rolled back. The job's reason records it.")
    ] = False


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
        "One model with its lineage: the job that trained it, its training set, and its activations.",
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
            "Labels that were left out of its sample aren't listed (`labels_available` of the model). "
            "A page of JSON, or all examples as CSV or newline-delimited JSON (`format`). A CSV or NDJSON answer that "
            "fails midway lacks its last chunk, so that clients detect it."
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
        "Make a model the champion. Automatic promotion is on hold afterwards until it is resumed.",
        role="admin",
        description=f"{FOLLOW} 409: it was rejected or rolled back, and `force` isn't given.",
        path_type=ModelPath,
        query=ActivateQuery,
        answer=AcceptedCommand,
        status=202,
        fails=("not-found", "conflict", "unavailable"),
        idempotent=True,
    ),
)
