"""The features of the namespace's records."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from relearn.schemas.features import Kind
from relearn.schemas.http.operation import Operation, Time


class SchemaFeature(Struct, frozen=True):
    """One feature."""

    name: str
    kind: Annotated[Kind, Meta(description="`number`: a finite number. `category`: a string of at most 256 bytes.")]
    missing: Annotated[bool, Meta(description="Whether a record may be without it: null, or not there by name.")]


class SchemaChanged(Struct, frozen=True):
    """One version of the features."""

    version: int
    base: Annotated[int, Meta(description="The first version of its chain: records of one chain are read alike.")]
    added: Annotated[str | None, Meta(description="The feature that it added.")]
    retired: Annotated[str | None, Meta(description="The feature that it retired.")]
    by: Annotated[str | None, Meta(description="Who changed it.")]
    at: Time


class Schema(Struct, frozen=True):
    """The features, in the order of a record's list."""

    version: Annotated[int, Meta(description="Rises when a feature is added or retired, or all are replaced.")]
    features: list[SchemaFeature]
    defaults: Annotated[
        dict[str, float | str | None],
        Meta(description="Of features that were added: what stands for them in records without them; null: missing."),
    ]
    history: Annotated[list[SchemaChanged], Meta(description="All versions, oldest first.")]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "get_schema",
        "GET",
        "/v1/schema",
        "Scoring",
        "The features that the namespace's records have.",
        description="404 before the first examples are loaded: they decide.",
        answer=Schema,
        fails=("not-found", "unavailable"),
    ),
)
