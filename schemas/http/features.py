"""The features of the namespace's records."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from relearn.schemas.features import Kind
from relearn.schemas.http.operation import Operation


class SchemaFeature(Struct, frozen=True):
    """One feature."""

    name: str
    kind: Annotated[Kind, Meta(description="`number`: a finite number. `category`: a string of at most 256 bytes.")]
    missing: Annotated[bool, Meta(description="Whether a record may be without it: null, or not there by name.")]


class Schema(Struct, frozen=True):
    """The features, in the order of a record's list."""

    version: Annotated[int, Meta(description="Rises when the features are replaced.")]
    features: list[SchemaFeature]


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
