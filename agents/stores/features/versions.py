"""The `feature_schema` table: the versions of the namespace's features. The newest counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from relearn.agents.stores.postgres import Connection, Pool, postgres_errors
from relearn.schemas.features import Feature, FeatureSchema, Value, numbers_alone, read_kind
from relearn.schemas.schema_versions import SchemaChain, SchemaVersion

#: The first version of the chain that counts, as a scalar; NULL before the first load.
BASE = "(SELECT max(base) FROM feature_schema)"
#: The number of the newest version, as a scalar; NULL before the first load.
NEWEST = "(SELECT max(number) FROM feature_schema)"
#: One change of the features at a time, until the transaction ends. Reading goes on.
LOCK_FEATURES = "LOCK TABLE feature_schema IN SHARE ROW EXCLUSIVE MODE"

_VERSIONS = "SELECT number, base, names, kinds, gaps, defaults, change, job, by, at FROM feature_schema ORDER BY number"


class StoredVersion(NamedTuple):
    """One row. `change`: what made it of the version before, None of the first of a chain; by which job and person."""

    base: int
    version: SchemaVersion
    change: Mapping[str, Any] | None
    job: str | None
    by: str | None
    at: datetime


async def read_versions(connection: Connection | Pool) -> list[StoredVersion]:
    """All versions that the namespace ever had, oldest first.

    Raises:
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        rows = await connection.fetch(_VERSIONS)
    return [
        StoredVersion(
            row["base"],
            SchemaVersion(row["number"], schema_of(row), {name: _float(one) for name, one in row["defaults"].items()}),
            row["change"],
            row["job"],
            row["by"],
            row["at"],
        )
        for row in rows
    ]


async def read_chain(connection: Connection | Pool) -> SchemaChain | None:
    """The versions that count; None before the first load.

    Raises:
        PostgresUnavailable: Retryable.
    """
    return chain_of(await read_versions(connection))


async def read_schemas(connection: Connection | Pool) -> dict[int, FeatureSchema]:
    """The features of every version that the namespace ever had.

    Raises:
        PostgresUnavailable: Retryable.
    """
    return {one.version.number: one.version.schema for one in await read_versions(connection)}


def chain_of(stored: list[StoredVersion]) -> SchemaChain | None:
    """The last chain of these versions."""
    if not stored:
        return None
    base = stored[-1].base
    return SchemaChain(tuple(one.version for one in stored if one.base == base))


def _float(value: Any) -> Value:
    """A default: jsonb writes 1e140 as a whole number."""
    return float(value) if isinstance(value, int) else value


def columns_of(schema: FeatureSchema) -> tuple[list[str], list[str], list[bool]]:
    """The columns `names`, `kinds` and `gaps` of a schema."""
    if schema.plain:
        return list(schema.names), [], []
    return list(schema.names), [one.kind for one in schema.features], [one.missing for one in schema.features]


def schema_of(row: Any) -> FeatureSchema:
    """The schema in a row with `names`, `kinds` and `gaps`."""
    if not row["kinds"]:
        return numbers_alone(row["names"])
    columns = zip(row["names"], map(read_kind, row["kinds"]), row["gaps"], strict=True)
    return FeatureSchema(tuple(Feature(*one) for one in columns))
