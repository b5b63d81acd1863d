"""The `models` table: each model's metrics, its body, and the exact examples that it was trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np

from relearn.agents.learning.fit_messages import decode_folds, encode_folds
from relearn.agents.learning.fitted_model import Fitted, FoldModels
from relearn.agents.learning.snapshot import Knowledge
from relearn.agents.learning.training_set import TrainingSet, set_digest
from relearn.agents.stores.features.onto import versions_of_models
from relearn.agents.stores.features.versions import read_schemas
from relearn.agents.stores.postgres import Connection, Pool, postgres_errors
from relearn.agents.stores.training.champion import CHAMPION_VERSION
from relearn.schemas.errors import Refused
from relearn.schemas.features import FeatureSchema
from relearn.schemas.model.linear_svm import Model, decode_model, encode_model, model_digest

State = Literal["champion", "former", "shadow", "rejected", "rolled-back"]

#: States of models that lost to another one. Their fold models aren't kept.
LOST: frozenset[State] = frozenset(("rejected", "rolled-back"))

_INSERT = """
INSERT INTO models (version, job, state, body, sha256, metrics, set_digest, cut, example_ids, correction_ids, schema,
    folds, example_cut, waiting_ids, labels_available, labels_limit)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
"""
_NOTHING = Knowledge()
_SCHEMA = """
SELECT max(number) FROM feature_schema
WHERE names = $1::text[] AND (kinds = $2 OR (kinds = '{}' AND 'number' = ALL ($2)))
    AND base = (SELECT max(base) FROM feature_schema)
"""
_ASSUMED = """
INSERT INTO assumed (version, prediction, key, features, strings, label, weight) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_SELECT = """
SELECT m.version, m.state, m.job, m.schema, m.metrics,
    cardinality(m.example_ids) + cardinality(m.correction_ids) AS examples,
    (SELECT count(*) FROM assumed WHERE version = m.version)::int AS assumed, m.created_at,
    a.activation, a.at AS activated_at, a.published_at, a.reason
FROM models m
LEFT JOIN LATERAL (SELECT * FROM activations WHERE version = m.version ORDER BY activation DESC LIMIT 1) AS a ON true
"""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model without its body; the fields from `activation` on are of its latest activation, if it has one.

    `schema`: the version of the features that it was trained on.
    """

    version: int
    state: State
    job: str
    schema: int
    metrics: Mapping[str, Any]
    examples: int
    assumed: int
    created_at: datetime
    activation: int | None
    activated_at: datetime | None
    published_at: datetime | None
    reason: Mapping[str, Any] | None


async def register_model(
    connection: Connection,
    job_id: str,
    examples: TrainingSet,
    fitted: Fitted,
    state: State,
    *,
    knew: Knowledge = _NOTHING,
    digest: bytes | None = None,
) -> int:
    """Insert a new model with its lineage; its version, a number that only rises. `knew`: what its training knew.

    digest: of what it was made of; None: that of its training set.

    Raises:
        Refused: the namespace's features were replaced since that snapshot.
    """
    schema, features = examples.schema, examples.features
    number = await connection.fetchval(_SCHEMA, list(schema.names), [one.kind for one in schema.features])
    if number is None:
        raise Refused("the namespace's features were replaced while the model was trained")
    version = int(await connection.fetchval("SELECT nextval('model_versions')"))
    body = encode_model(fitted.as_model(version, schema.names))
    lineage = examples.ids_of("bootstrap"), examples.ids_of("reviewed")
    facts = model_digest(body), dict(fitted.metrics), digest or set_digest(examples), knew.cut
    folds = None if state in LOST else encode_folds(fitted.folds)
    known = knew.example_cut, knew.waiting, knew.available, knew.limit
    await connection.execute(_INSERT, version, job_id, state, body, *facts, *lineage, number, folds, *known)
    ids, keys, labels = examples.ids, examples.keys, examples.labels
    n_numbers = len(schema.numbers)
    assumed = [
        (
            version,
            str(ids[i]),
            keys[i],
            features[i, :n_numbers].tolist(),
            examples.strings_of(features[i]) if schema.strings else None,
            labels[i],
            float(examples.weights[i]),
        )
        for i in np.flatnonzero(~examples.real).tolist()
    ]
    await connection.executemany(_ASSUMED, assumed)
    return version


async def load_model(connection: Connection | Pool, version: int) -> Model | None:
    """A registered model's numbers; None: there is no such model.

    Raises:
        BadModel: the stored body can't be read.
        PostgresUnavailable: Retryable.
    """
    body = await read_body(connection, version)
    return None if body is None else decode_model(body)


async def read_body(connection: Connection | Pool, version: int) -> bytes | None:
    """A registered model's stored bytes; None: there is no such model.

    Raises:
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        body: bytes | None = await connection.fetchval("SELECT body FROM models WHERE version = $1", version)
    return body


async def schemas_of_rows(connection: Connection, rows: Sequence[Any]) -> Callable[[Any], FeatureSchema | None]:
    """What returns the features of each of these rows, which have `model`, `schema` and `strings`.

    None: of numbers alone that were never changed, or of a model that isn't registered.
    """
    versions = await read_schemas(connection)
    of_model = await versions_of_models(connection) if len(versions) > 1 else {}
    asked = {row["model"] for row in rows if row["strings"] is not None and row["schema"] not in versions}
    found = await connection.fetch("SELECT version, body FROM models WHERE version = ANY ($1)", list(asked))
    bodies = {row["version"]: decode_model(row["body"]).schema for row in found}

    def schema_of(row: Any) -> FeatureSchema | None:
        number = of_model.get(row["model"]) if row["schema"] is None else row["schema"]
        known = None if number is None else versions.get(number)
        return bodies.get(row["model"]) if known is None else known

    return schema_of


async def features_of_model(pool: Pool, version: int) -> FeatureSchema | None:
    """A model's features; None: there is no such model.

    Raises:
        PostgresUnavailable: Retryable.
    """
    model = await load_model(pool, version)
    return None if model is None else model.schema


async def leave_shadow(connection: Connection, version: int, state: State) -> None:
    """Give a model in state `shadow` its next state."""
    await connection.execute(
        "UPDATE models SET state = $2, folds = CASE WHEN $3 THEN NULL ELSE folds END"
        " WHERE version = $1 AND state = 'shadow'",
        version,
        state,
        state in LOST,
    )


async def fold_models(connection: Connection, version: int) -> FoldModels:
    """The fold models of a registered model; empty where they aren't kept."""
    row = await connection.fetchrow("SELECT body, folds FROM models WHERE version = $1", version)
    return FoldModels((), ()) if row is None else folds_of(decode_model(row["body"]), row["folds"])


def folds_of(model: Model, packed: bytes | None) -> FoldModels:
    """The fold models of `model` from its column `folds`; empty where they aren't kept."""
    if packed is None:
        return FoldModels((), ())
    return FoldModels(model.classes, decode_folds(packed, d=model.weights.shape[1]), model.encoder)


async def champion_digest(pool: Pool) -> tuple[int, bytes] | None:
    """The champion's version and the digest of its training set; None before the first champion."""
    with postgres_errors():
        row = await pool.fetchrow(f"SELECT version, set_digest FROM models WHERE version = {CHAMPION_VERSION}")  # noqa: S608 - names of our own
    return None if row is None else (row["version"], row["set_digest"])


async def list_models(
    pool: Pool, limit: int = 100, *, before: int | None = None, state: State | None = None
) -> list[ModelRow]:
    """The newest models first; the next page begins with `before` = the last version."""
    query = (
        f"{_SELECT} WHERE ($2::int IS NULL OR m.version < $2) AND ($3::text IS NULL OR m.state = $3)"
        " ORDER BY m.version DESC LIMIT $1"
    )
    with postgres_errors():
        return [ModelRow(*row) for row in await pool.fetch(query, limit, before, state)]


async def read_model(pool: Pool, version: int) -> ModelRow | None:
    """One model, or None."""
    with postgres_errors():
        row = await pool.fetchrow(f"{_SELECT} WHERE m.version = $1", version)
    return None if row is None else ModelRow(*row)


def model_row_fields(model: ModelRow) -> dict[str, Any]:
    """The model as the contract's JSON; times in ISO 8601."""
    return {
        "version": model.version,
        "state": model.state,
        "job": model.job,
        "schema": model.schema,
        "metrics": dict(model.metrics),
        "examples": model.examples,
        "assumed": model.assumed,
        "created_at": model.created_at.isoformat(),
        "activation": model.activation,
        "activated_at": model.activated_at.isoformat() if model.activated_at else None,
        "published_at": model.published_at.isoformat() if model.published_at else None,
        "reason": None if model.reason is None else dict(model.reason),
    }
