"""Where a model comes from, read back from Postgres: its job, the exact examples, the bytes, every activation."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from relearn.agents.learning.onto_model import values_onto
from relearn.agents.learning.training_set import Source
from relearn.agents.stores.features.onto import read_onto_trained
from relearn.agents.stores.places import place_of_row
from relearn.agents.stores.postgres import Connection, Pool, read_snapshot
from relearn.agents.stores.training.activations import signed_by
from relearn.agents.stores.training.jobs import Job, job_fields, read_job
from relearn.agents.stores.training.models import ModelRow, load_model, model_row_fields, read_model
from relearn.schemas.features import Value
from relearn.schemas.model.linear_svm import Model, decode_model

_FETCH = 500

# The three kinds of examples. Every model's have different keys, whatever their kind.
_USED = """
SELECT 'bootstrap' AS source, e.id, NULL AS feedback, NULL::int AS generation, NULL::int AS kafka_partition,
    NULL::bigint AS kafka_offset, NULL::int AS record_index, NULL AS prediction, NULL AS reviewer, NULL AS via,
    e.key, e.label, 1.0::float8 AS weight, e.features, e.strings, e.schema,
    NULL::int AS model
FROM models m JOIN examples e ON e.id = ANY (m.example_ids) WHERE m.version = $1
UNION ALL
SELECT 'reviewed', c.id, c.feedback, c.generation, c.kafka_partition, c.kafka_offset, c.record_index, NULL, c.reviewer,
    c.via, c.key, c.label, 1.0, c.features, c.strings, c.schema, c.model
FROM models m JOIN corrections c ON c.id = ANY (m.correction_ids) WHERE m.version = $1
UNION ALL
SELECT 'assumed', NULL, NULL, NULL, NULL, NULL, NULL, a.prediction, NULL, NULL, a.key, a.label, a.weight, a.features,
    a.strings, m.schema, NULL
FROM assumed a JOIN models m USING (version) WHERE a.version = $1
"""
# The order of training: a key's code points, which are its UTF-8 bytes.
_IN_ORDER = f'SELECT * FROM ({_USED}) AS used ORDER BY key COLLATE "C" OFFSET $2 LIMIT $3'  # noqa: S608 - nothing but names of our own
_CLASSES = f"""
SELECT label, source, count(*)::int AS examples FROM ({_USED}) AS used GROUP BY label, source ORDER BY label, source
"""  # noqa: S608 - the same
_MODEL = "SELECT cut, sha256, body, labels_available, labels_limit FROM models WHERE version = $1"
_ACTIVATIONS = """
SELECT activation, role, job, by, reason, at, published_at, message FROM activations
WHERE version = $1 ORDER BY activation
"""


class Used(NamedTuple):
    """One example that a model was trained on, as it stood then.

    `id` is its row of `examples` or of `corrections`, or the prediction's where it is assumed. `feedback`, `reviewer`
    and `via` say who labelled a reviewed one, and how it came to that. `features`: its values, in the model's order, as
    it was trained on them.
    """

    source: Source
    id: int | str
    feedback: str | None
    prediction: str | None
    reviewer: str | None
    via: str | None
    key: str
    label: str
    weight: float
    features: Sequence[Value]


class Activated(NamedTuple):
    """One activation of a model: in which role, by which job and for whom, with which facts, when; and who signed it.

    `published_at` is None until the broker has acknowledged it.
    """

    activation: int
    role: str
    job: str
    by: str | None
    reason: Mapping[str, Any]
    at: datetime
    published_at: datetime | None
    key_id: str


@dataclass(frozen=True, slots=True)
class Lineage:
    """All that is known of a model.

    `classes`: per label and source, how many examples; `features`: their names; `sha256`: of its body, hex.
    `available`: the labelled examples that there were, of which at most `limit` were used; None: it used all.
    """

    model: ModelRow
    job: Job
    cut: int
    sha256: str
    features: Sequence[str]
    classes: Mapping[str, Mapping[str, int]]
    activations: Sequence[Activated]
    available: int | None = None
    limit: int | None = None

    @property
    def sources(self) -> dict[str, int]:
        """How many examples came from where."""
        names: tuple[Source, ...] = ("bootstrap", "reviewed", "assumed")
        return {name: sum(counts.get(name, 0) for counts in self.classes.values()) for name in names}

    @property
    def key_id(self) -> str | None:
        """The key that signed its latest activation; None where it never had one."""
        return self.activations[-1].key_id if self.activations else None


async def read_lineage(pool: Pool, version: int) -> Lineage | None:
    """A model's lineage at one moment, or None where there is no such model.

    Raises:
        PostgresUnavailable: Retryable.
    """
    async with read_snapshot(pool) as connection:
        model = await read_model(connection, version)
        job = None if model is None else await read_job(connection, model.job)
        if model is None or job is None:
            return None
        cut, digest, body, *counts = await connection.fetchrow(_MODEL, version)
        classes: dict[str, dict[str, int]] = {}
        for label, source, count in await connection.fetch(_CLASSES, version):
            classes.setdefault(label, {})[source] = count
        rows = await connection.fetch(_ACTIVATIONS, version)
        activations = [_activated(row) for row in rows]
        names = decode_model(body).feature_names
        return Lineage(model, job, cut, digest.hex(), names, classes, activations, *counts)


async def used_examples(
    pool: Pool, version: int, *, skip: int = 0, limit: int | None = None
) -> AsyncGenerator[Used, None]:
    """The examples that a model was trained on, in the order of training, by a cursor: however many there are.

    Without the first `skip`, and at most `limit`: they never change. Close it (`contextlib.aclosing`) where
    it isn't read to its end.

    Raises:
        PostgresUnavailable: Retryable.
    """
    async with read_snapshot(pool) as connection:
        model = await load_model(connection, version)
        if model is not None:
            async for row in _cursor(connection, model, skip, limit):
                yield row


async def _cursor(connection: Connection, model: Model, skip: int, limit: int | None) -> AsyncIterator[Used]:
    version, onto = model.version, await read_onto_trained(connection, model.version)
    async for row in connection.cursor(_IN_ORDER, version, skip, limit, prefetch=_FETCH):
        prediction = row["prediction"]
        if row["generation"] is not None:
            place = place_of_row(row)
            prediction = str(place)
        features, strings = row["features"], row["strings"]
        if onto is not None:
            found = onto.projection(onto.version_of(row["schema"], row["model"]))
            features, strings = values_onto(found, model, features, strings)
        values = model.schema.values(features, strings)
        told = row["reviewer"], row["via"], row["key"], row["label"], row["weight"], values
        own_id = prediction if row["id"] is None else row["id"]
        yield Used(row["source"], own_id, row["feedback"], prediction, *told)


def _activated(row: Any) -> Activated:
    facts = {name: row[name] for name in Activated._fields if name != "key_id"}
    return Activated(**facts, key_id=signed_by(row["message"]))


def lineage_fields(found: Lineage) -> dict[str, Any]:
    """The lineage as JSON: the model's own fields and what stands behind them; times in ISO 8601."""
    return {
        **model_row_fields(found.model),
        "cut": found.cut,
        "sha256": found.sha256,
        "key_id": found.key_id,
        "features": list(found.features),
        "sources": found.sources,
        "labels_available": found.available,
        "labels_limit": found.limit,
        "classes": {label: dict(counts) for label, counts in found.classes.items()},
        "made_by": job_fields(found.job),
        "activations": [
            {
                **one._asdict(),
                "reason": dict(one.reason),
                "at": one.at.isoformat(),
                "published_at": one.published_at.isoformat() if one.published_at else None,
            }
            for one in found.activations
        ],
    }
