"""All labels that a training can use, kept by the process that trains: each row is read once.

Rows of `corrections` are only added. Of the examples, and of a database that was restored from a backup, rows may go.
So each look first asks Postgres for the number and the digest of the rows that are kept, and reads them all again if
either has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from relearn.agents.learning.reviews import Statement
from relearn.agents.learning.training_set import Example
from relearn.agents.stores.features.onto import Onto, read_onto_newest
from relearn.agents.stores.features.versions import NEWEST
from relearn.agents.stores.feedback.packed_features import packed, rows_of
from relearn.agents.stores.feedback.reviewer_statements import PAGE, with_features
from relearn.agents.stores.postgres import Connection, read_pages

T = TypeVar("T")

# Statements about predictions of models with other features, which were replaced since, are left out.
# An array, made once: a join takes as long as everything else about the digest.
_OF_SCHEMA = """c.model <> ALL (ARRAY(
    SELECT version FROM models WHERE schema < (SELECT max(base) FROM feature_schema)
))"""
_EXAMPLES = f"""
SELECT id, {packed("features")} AS features, strings, schema, key, label, arrival::float8 AS arrival
FROM examples WHERE id > $1 AND NOT withdrawn ORDER BY id LIMIT $2
"""  # noqa: S608 - nothing but names of our own
_DIGEST = """
SELECT count(*) FILTER (WHERE id <= $1) AS kept, sum(hash) FILTER (WHERE id <= $1) AS kept_digest,
    count(*) AS now, sum(hash) AS digest, max(id) AS newest
FROM (SELECT id, hash_record_extended(({columns}), 0) AS hash FROM {rows}) AS hashed
"""


class _State(NamedTuple):
    """Number and digest of rows up to the `newest`."""

    rows: int = 0
    digest: Any = None
    newest: int = 0


class _Kept(Generic[T]):
    """The rows of one table. `digest`: a query like _DIGEST; `page`: a page of rows, which `made` makes objects of.

    Rows are kept as rows of one version of the features.
    """

    def __init__(self, digest: str, page: str, made: Callable[[Sequence[Any], Onto | None], list[T]]) -> None:
        self._digest, self._page, self._made = digest, page, made
        self._state, self._rows, self._version = _State(), list[T](), 0

    async def read(self, connection: Connection) -> list[T]:
        """All rows of the caller's snapshot, in the order of commits, as rows of the newest version."""
        version = await connection.fetchval(f"SELECT {NEWEST}")
        if version != self._version:
            self._state, self._rows, self._version = _State(), [], version
        found = await connection.fetchrow(self._digest, self._state.newest)
        state = _State(found["now"], found["digest"], found["newest"] or 0)
        if (found["kept"], found["kept_digest"]) != self._state[:2]:
            self._state, self._rows = _State(), []
        if state != self._state:
            pages = read_pages(connection, self._page, after=self._state.newest)
            onto = await read_onto_newest(connection)
            new = [row async for page in pages for row in self._made(page, onto)]
            self._state, self._rows = state, [*self._rows, *new]
        return self._rows


class KeptLabels:
    """The statements with features, and the loaded examples, of one namespace."""

    def __init__(self) -> None:
        #: The string of each code in the rows.
        self.string_of: dict[float, str] = {}
        self._statements = _Kept(
            _DIGEST.format(
                columns="id, key, label, predicted, model, reviewer, principal, via, arrival, kafka_offset",
                rows=f"corrections c WHERE {_OF_SCHEMA}",
            ),
            PAGE.format(where=_OF_SCHEMA),
            partial(_statements, self.string_of),
        )
        self._examples = _Kept(
            _DIGEST.format(columns="id, key, label, arrival", rows="examples WHERE NOT withdrawn"),
            _EXAMPLES,
            partial(_dated_examples, self.string_of),
        )

    async def statements(self, connection: Connection) -> Sequence[Statement]:
        """All statements about the namespace's features, with features, in the order of commits."""
        return await self._statements.read(connection)

    async def examples(self, connection: Connection) -> Sequence[tuple[float, Example]]:
        """All loaded examples that weren't withdrawn, each with its number of arrival."""
        return await self._examples.read(connection)


def _statements(string_of: dict[float, str], rows: Sequence[Any], onto: Onto | None) -> list[Statement]:
    string_of.update(onto.strings if onto is not None else {})
    return with_features(rows, string_of, onto)


def _dated_examples(string_of: dict[float, str], rows: Sequence[Any], onto: Onto | None) -> list[tuple[float, Example]]:
    string_of.update(onto.strings if onto is not None else {})
    features = rows_of([row["features"] for row in rows], [row["strings"] for row in rows], string_of)
    return [
        (
            row["arrival"],
            Example(row["id"], row["key"], one if onto is None else onto.row(one, row["schema"], None), row["label"]),
        )
        for row, one in zip(rows, features, strict=True)
    ]
