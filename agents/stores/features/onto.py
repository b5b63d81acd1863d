"""Stored rows as rows of another version of the features, or as a model scores them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from relearn.agents.learning.onto_model import onto_model
from relearn.agents.stores.features.versions import read_chain, read_versions
from relearn.agents.stores.postgres import Connection, Pool, postgres_errors
from relearn.schemas.features import code_of
from relearn.schemas.model.linear_svm import Model, decode_model
from relearn.schemas.schema_versions import Projection, SchemaChain

_OF_MODELS = "SELECT version, schema FROM models"
_OF_MODEL = "SELECT schema FROM models WHERE version = $1"


@dataclass(frozen=True, slots=True)
class Onto:
    """Projects stored rows onto one version, or onto what a model scores.

    chain: which has more than one version. of_model: the version that each model was trained on. target: the version.
    model: None: rows of `target` itself.
    """

    chain: SchemaChain
    of_model: Mapping[int, int]
    target: int
    model: Model | None = None
    _known: dict[int, Projection | None] = field(default_factory=dict)

    def version_of(self, schema: int | None, model: int | None) -> int:
        """The version of a stored row, by its columns `schema` and `model` (None: it is an example)."""
        if schema is not None:
            return schema
        return self.chain.base if model is None else self.of_model.get(model, self.chain.base)

    def projection(self, version: int) -> Projection | None:
        """Of rows of one version; None: it isn't of the chain."""
        if version not in self._known:
            self._known[version] = (
                self.chain.projection(version, self.target)
                if self.model is None
                else onto_model(self.chain, version, self.model, self.target)
            )
        return self._known[version]

    def row(self, row: Any, schema: int | None, model: int | None) -> Any:
        """The row of one stored record; without values where its version is unknown: nothing can use it then."""
        found = self.projection(self.version_of(schema, model))
        return np.empty(0) if found is None else found.row(row)

    @property
    def strings(self) -> Mapping[float, str]:
        """The string of each code that stands for an absent value."""
        defaults = self.chain.by_number[self.target].defaults.values()
        return {code_of(one): one for one in defaults if isinstance(one, str)}


async def read_onto_newest(connection: Connection | Pool, number: int | None = None) -> Onto | None:
    """Onto the newest version, or the one with this `number`; None: there is no other version to project from.

    Raises:
        PostgresUnavailable: Retryable.
    """
    chain = await read_chain(connection)
    if chain is None or not chain.changed:
        return None
    return Onto(chain, await versions_of_models(connection), chain.newest.number if number is None else number)


async def read_onto_model(connection: Connection | Pool, model: Model) -> Onto | None:
    """Onto what a registered model scores; None: rows are that, as far as the namespace's versions go.

    Raises:
        PostgresUnavailable: Retryable.
    """
    chain = await read_chain(connection)
    if chain is None or not chain.changed:
        return None
    with postgres_errors():
        number = await connection.fetchval(_OF_MODEL, model.version)
    if number not in chain.by_number:
        return None
    return Onto(chain, await versions_of_models(connection), number, model)


async def read_onto_version(connection: Connection | Pool, version: int) -> Onto | None:
    """As `read_onto_model`, of the model with this version; None also where there is none.

    Raises:
        PostgresUnavailable: Retryable.
    """
    chain = await read_chain(connection)
    if chain is None or not chain.changed:
        return None
    with postgres_errors():
        body = await connection.fetchval("SELECT body FROM models WHERE version = $1", version)
    return None if body is None else await read_onto_model(connection, decode_model(body))


async def read_onto_trained(connection: Connection | Pool, version: int) -> Onto | None:
    """Onto the version of the features that a model was trained on, as its training did; None: all rows are of that.

    Raises:
        PostgresUnavailable: Retryable.
    """
    stored = await read_versions(connection)
    with postgres_errors():
        number = await connection.fetchval(_OF_MODEL, version)
    base = next((one.base for one in stored if one.version.number == number), None)
    chain = tuple(one.version for one in stored if one.base == base)
    return Onto(SchemaChain(chain), await versions_of_models(connection), number) if len(chain) > 1 else None


async def versions_of_models(connection: Connection | Pool) -> dict[int, int]:
    """The version of the features that each model was trained on.

    Raises:
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        return {row["version"]: row["schema"] for row in await connection.fetch(_OF_MODELS)}
