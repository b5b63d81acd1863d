"""The input of a training, read in one snapshot; unreviewed records are read only where they are needed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from relearn.agents.learning.onto_model import onto_model
from relearn.agents.learning.reviews import Statement
from relearn.agents.learning.sender_limit import Admitted
from relearn.agents.learning.snapshot import Champion, KnownReviews, Snapshot
from relearn.agents.learning.training_set import Example
from relearn.agents.learning.trial import admit, assumes
from relearn.agents.stores.features.versions import read_chain
from relearn.agents.stores.feedback.trust import trusted_scopes
from relearn.agents.stores.postgres import Connection, Pool, read_snapshot
from relearn.agents.stores.predictions.unreviewed import read_unreviewed
from relearn.agents.stores.training.champion import CHAMPION_VERSION
from relearn.agents.stores.training.kept_labels import KeptLabels
from relearn.agents.stores.training.models import folds_of
from relearn.schemas.errors import Refused
from relearn.schemas.model.linear_svm import decode_model
from relearn.schemas.schema_versions import SchemaChain
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name

# A champion of other features, which were replaced since, judges nothing.
_CHAMPION = f"""
SELECT version, schema, body, cut, example_ids, correction_ids, folds, set_digest, example_cut, waiting_ids FROM models
WHERE version = {CHAMPION_VERSION} AND schema >= (SELECT max(base) FROM feature_schema)
"""  # noqa: S608 - nothing but names of our own
# The newest model that was trained here: no training knew anything by one that was imported.
_NEWEST = """
SELECT m.version, m.state, set_digest, correction_ids, m.cut, waiting_ids FROM models m JOIN jobs j ON j.id = m.job
WHERE j.command = 'train' ORDER BY m.version DESC LIMIT 1
"""
_WITHDRAWN = "SELECT DISTINCT label FROM examples WHERE withdrawn"
_LABELLED = """
SELECT e.key FROM models m JOIN examples e ON e.id = ANY (m.example_ids) WHERE m.version = $1
UNION SELECT c.key FROM models m JOIN corrections c ON c.id = ANY (m.correction_ids) WHERE m.version = $1
"""
_KEYS = f"{_LABELLED} UNION SELECT a.key FROM assumed a WHERE a.version = $1"  # noqa: S608 - names of our own

# Of a champion's examples those that were withdrawn since, and the assumed ones.
_OTHER_KEYS = """
SELECT key FROM examples WHERE id = ANY ($1) UNION SELECT key FROM assumed WHERE version = $2
"""


async def read_training_snapshot(pool: Pool, kept: KeptLabels) -> Snapshot:
    """The current input, without the champion's unreviewed records (see `predictions.unreviewed`).

    `kept`: labels that were read before.

    Raises:
        PostgresUnavailable: Retryable.
        Refused: no examples were loaded yet.
    """
    async with read_snapshot(pool) as connection:
        chain = await read_chain(connection)
        if chain is None:
            raise Refused("there are no examples to train on")
        statements, bootstrap = await kept.statements(connection), await kept.examples(connection)
        newest = await connection.fetchrow(_NEWEST)
        return Snapshot(
            chain.newest.schema,
            bootstrap,
            statements,
            statements[-1].id if statements else 0,
            await _champion(connection, chain, statements, bootstrap),
            None,
            None if newest is None else (newest["version"], newest["state"], newest["set_digest"]),
            frozenset() if newest is None else _known_reviews(newest),
            frozenset(row["label"] for row in await connection.fetch(_WITHDRAWN)),
            await trusted_scopes(connection),
            kept.string_of,
            chain.newest.number,
        )


async def read_admitted(pool: Pool, settings: Settings, kept: KeptLabels) -> tuple[Snapshot, Admitted]:
    """What is known now, with the champion's unreviewed records where some of them join, and the reviews that count.

    `kept`: labels that were read before.

    Raises:
        PostgresUnavailable: Retryable.
        Refused: no examples were loaded yet.
    """
    snapshot = await read_training_snapshot(pool, kept)
    # In a thread: of 50,000 reviews it takes a tenth of a second, and the loop has other uses for that.
    admitted = await asyncio.to_thread(admit, snapshot, reviewer_labels=settings.reviewer_labels)
    if assumes(snapshot, admitted, assumed_weight=settings.assumed_weight) and snapshot.champion is not None:
        ingest = topic_name(settings.namespace, "ingest")
        unreviewed = await read_unreviewed(pool, snapshot.champion.model.version, ingest=ingest, schema=snapshot.number)
        snapshot = replace(snapshot, unreviewed=unreviewed)
    return snapshot, admitted


async def training_keys(connection: Connection, version: int) -> frozenset[str]:
    """The keys of all examples that a model was trained on."""
    return frozenset(row["key"] for row in await connection.fetch(_KEYS, version))


async def labelled_keys(connection: Connection, version: int) -> frozenset[str]:
    """The keys of the examples with a label of their own that a model was trained on, without assumed ones."""
    return frozenset(row["key"] for row in await connection.fetch(_LABELLED, version))


async def _champion(
    connection: Connection,
    chain: SchemaChain,
    statements: Sequence[Statement],
    bootstrap: Sequence[tuple[float, Example]],
) -> Champion | None:
    row = await connection.fetchrow(_CHAMPION)
    if row is None:
        return None
    model, keys = decode_model(row["body"]), await _keys_of(connection, row, statements, bootstrap)
    reviews, folds = _known_reviews(row), folds_of(model, row["folds"])
    scored = onto_model(chain, chain.newest.number, model, row["schema"]) if chain.changed else None
    return Champion(model, row["cut"], _known_examples(row, bootstrap), reviews, keys, folds, row["set_digest"], scored)


async def _keys_of(
    connection: Connection, model: Any, statements: Sequence[Statement], bootstrap: Sequence[tuple[float, Example]]
) -> frozenset[str]:
    """What `training_keys` reads, for the most part from labels that were read already."""
    examples, reviews = frozenset(model["example_ids"]), frozenset(model["correction_ids"])
    keys = {example.id: example.key for _, example in bootstrap if example.id in examples}
    others = await connection.fetch(_OTHER_KEYS, list(examples.difference(keys)), model["version"])
    return frozenset(keys.values()).union(
        (one.key for one in statements if one.id in reviews), (row["key"] for row in others)
    )


def _known_examples(model: Any, bootstrap: Sequence[tuple[float, Example]]) -> frozenset[int]:
    """The loaded examples that a model's training knew, whether it used them or not."""
    older = (int(example.id) for _, example in bootstrap if int(example.id) <= model["example_cut"])
    return frozenset(model["example_ids"]).union(older)


def _known_reviews(model: Any) -> KnownReviews:
    """The reviews that a model's training knew, whether it used them or not; without those that wait."""
    used = frozenset(model["correction_ids"])
    if model["waiting_ids"] is None:
        return KnownReviews(used)
    return KnownReviews(used, model["cut"], frozenset(model["waiting_ids"]))
