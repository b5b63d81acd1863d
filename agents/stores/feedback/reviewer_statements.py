"""Rows of `corrections` as statements: a label or its withdrawal, with the prediction that it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from sys import intern
from typing import Any, get_args

from relearn.agents.learning.reviews import UNBIASED, Statement
from relearn.agents.stores.features.onto import Onto, read_onto_model
from relearn.agents.stores.feedback.packed_features import packed, rows_of
from relearn.agents.stores.postgres import Connection, read_pages
from relearn.schemas.features import row_of, strings_by_code
from relearn.schemas.identity import Place
from relearn.schemas.messages.feedback import Via
from relearn.schemas.model.linear_svm import Features, Model

_VIAS: Mapping[str, Via] = {one: one for one in get_args(Via)}
#: What `statement_of` reads of `corrections c`. Without features, which are most of a row: only training needs them.
COLUMNS = """
c.id, c.generation, c.kafka_partition, c.kafka_offset, c.record_index, c.key, c.label, c.predicted, c.model,
c.activation, c.reviewer, c.via, c.arrival::float8 AS arrival, c.sent_partition, c.sent_offset,
extract(epoch FROM c.stored_at)::float8 AS stored_s, c.principal
"""
_WITHOUT_FEATURES = f"SELECT {COLUMNS} FROM corrections c "  # noqa: S608 - nothing but names of our own
_AUDITED = f"""
{_WITHOUT_FEATURES} JOIN (
    SELECT key FROM corrections WHERE model = $1 AND via = ANY ($2) GROUP BY key ORDER BY min(arrival) LIMIT $3
) AS audited USING (key)
WHERE c.model = $1 ORDER BY c.id
"""  # noqa: S608 - nothing but names of our own
# LIMIT makes the planner look up each statement's row by its key. A model that was activated after the last ANALYZE is
# in no statistics: a plain join of two such models is planned as a nested loop over all rows of both.
WITH_SHADOW = f"""
SELECT {COLUMNS}, s.label AS shadow FROM corrections c CROSS JOIN LATERAL (
    SELECT label FROM shadow_predictions WHERE model = $1
    AND (generation, kafka_partition, kafka_offset, record_index, ingested_at)
        = (c.generation, c.kafka_partition, c.kafka_offset, c.record_index, c.ingested_at)
    LIMIT 1
) AS s WHERE c.model = $2 ORDER BY c.id
"""  # noqa: S608 - nothing but names of our own
#: A page of statements as `with_features` reads them. Its parameters: the id that it begins after, and its size.
PAGE = f"""
SELECT {COLUMNS}, {packed("c.features")} AS features, c.strings, c.schema FROM corrections c
WHERE {{where}} AND c.id > $1
ORDER BY c.id LIMIT $2
"""  # noqa: S608 - the same


async def all_statements(connection: Connection) -> list[Statement]:
    """All statements, with features, in the order of commits."""
    pages = read_pages(connection, PAGE.format(where="true"), after=0)
    return [one async for page in pages for one in with_features(page)]


def with_features(
    rows: Sequence[Any], string_of: dict[float, str] | None = None, onto: Onto | None = None
) -> list[Statement]:
    """Rows of PAGE as statements. string_of: gets the string of each code. onto: projects their features."""
    features = rows_of([row["features"] for row in rows], [row["strings"] for row in rows], string_of)
    if onto is None:
        return list(map(statement_of, rows, features))
    pairs = zip(rows, features, strict=True)
    return [statement_of(row, onto.row(one, row["schema"], row["model"])) for row, one in pairs]


async def statements_since(connection: Connection, cut: int, limit: int) -> list[Statement]:
    """The first `limit` statements after correction `cut`, without features, in the order of commits."""
    return _statements(await connection.fetch(_WITHOUT_FEATURES + "WHERE c.id > $1 ORDER BY c.id LIMIT $2", cut, limit))


async def newest_of_model(connection: Connection, model: int) -> int:
    """The id of the newest statement about one model's predictions; 0: there is none."""
    return int(await connection.fetchval("SELECT coalesce(max(id), 0) FROM corrections WHERE model = $1", model))


async def audited_statements(connection: Connection, model: int, *, keys: int | None = None) -> list[Statement]:
    """All statements, audits or not, about the first `keys` audited keys of a model; None: about all audited keys.

    Without features, in the order of commits.
    """
    return _statements(await connection.fetch(_AUDITED, model, sorted(UNBIASED), keys))


async def features_of(
    connection: Connection, ids: Sequence[int], model: Model
) -> tuple[dict[int, Sequence[float]], dict[float, str]]:
    """The rows of the predictions that these corrections are about, as `model` scores them; the string of each code."""
    onto = await read_onto_model(connection, model)
    query = "SELECT id, features, strings, schema, model FROM corrections WHERE id = ANY ($1)"
    rows = await connection.fetch(query, ids)
    found = {row["id"]: row_of(row["features"], row["strings"]) for row in rows}
    string_of = strings_by_code(row["strings"] for row in rows)
    if onto is None:
        return found, string_of
    onto_it = {row["id"]: onto.row(found[row["id"]], row["schema"], row["model"]) for row in rows}
    return onto_it, {**string_of, **onto.strings}


async def statements_of_model_since(
    connection: Connection, model: int, cut: int, limit: int | None = None
) -> list[Statement]:
    """The statements about one model's predictions after correction `cut`, without features, in the order of commits.

    The first `limit`; None: all.
    """
    query = _WITHOUT_FEATURES + "WHERE c.model = $1 AND c.id > $2 ORDER BY c.id LIMIT $3"
    return _statements(await connection.fetch(query, model, cut, limit))


async def statements_with_shadow(connection: Connection, shadow: int, champion: int) -> list[tuple[Statement, str]]:
    """The statements about predictions of `champion` that `shadow` scored too, each with the shadow's label.

    Without features.
    """
    rows = await connection.fetch(WITH_SHADOW, shadow, champion)
    return list(zip(_statements(rows), (row["shadow"] for row in rows), strict=True))


def statement_of(row: Any, features: Features = ()) -> Statement:
    """A row of COLUMNS, or of these and more, as a statement."""
    # By position: by name it takes twice as long, and a training reads a hundred thousand rows.
    number, *place, key, label, predicted, model, activation, reviewer, via, arrival, partition, offset = row[:15]
    return Statement(
        number,
        Place(*place),
        key,
        features,
        _once(label),
        intern(predicted),
        model,
        activation,
        _once(reviewer),
        _VIAS[via],
        (arrival, partition, offset),
        stored_s=row[15],
        principal=_once(row[16]),
    )


def _once(text: str | None) -> str | None:
    """One object for equal texts: a million labels have few different ones, and a text of its own takes 50 bytes."""
    return None if text is None else intern(text)


def _statements(rows: Iterable[Any]) -> list[Statement]:
    return [statement_of(row) for row in rows]
