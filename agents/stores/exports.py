"""Tables read as a whole, page by page: predictions, corrections, and the labelled examples that count.

Each page is a query of its own that begins after the last row of the page before (keyset), so that an export holds
one page in memory and no transaction open, and can be continued from any page.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple, get_args

from relearn.agents.stores.features.onto import versions_of_models
from relearn.agents.stores.features.versions import read_versions
from relearn.agents.stores.places import PLACE, place_of_row
from relearn.agents.stores.postgres import Pool, read_snapshot
from relearn.schemas.errors import BadIdentity, Refused
from relearn.schemas.features import FeatureSchema, Strings, Value
from relearn.schemas.identity import INT64_MAX, parse_place
from relearn.schemas.messages.records import MAX_TIME_S
from relearn.schemas.model.linear_svm import decode_model

TableName = Literal["predictions", "corrections", "examples"]
TABLES: tuple[TableName, ...] = get_args(TableName)
ValueKind = Literal["text", "integer", "number", "numbers", "time"]

#: Values in a page, so that wide records don't fill the memory; rows of a page.
PAGE_VALUES = 1_000_000
PAGE_ROWS = 10_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BEFORE_ALL = (-1, -1, -1, -1)
_LARGEST: dict[TableName, int] = {"predictions": int(MAX_TIME_S * 1e6), "corrections": INT64_MAX, "examples": INT64_MAX}
_PREDICTIONS = f"""
SELECT {PLACE}, id, subject, batch, context, label, confidence, margins, model, activation, ingested_at, scored_at,
    stored_at, features, strings, schema
FROM predictions WHERE ingested_at < $1 AND ingested_at >= $2 AND (ingested_at, {PLACE}) > ($2, $3, $4, $5, $6)
ORDER BY ingested_at, {PLACE} LIMIT $7
"""  # noqa: S608 - nothing but names of our own
_CORRECTIONS = f"""
SELECT id AS number, {PLACE}, feedback, record, label, predicted, reviewer, via, comment, key, model, activation,
    ingested_at, sent_at, stored_at, features, strings, schema
FROM corrections WHERE sent_at < $1 AND sent_at >= $2 AND id > $3 ORDER BY id LIMIT $4
"""  # noqa: S608 - the same
# Of a key the latest label: what a training would use.
_EXAMPLES = """
SELECT id AS number, id::text AS id, subject, label, features, strings, schema FROM examples e
WHERE added_at < $1 AND added_at >= $2 AND id > $3 AND NOT withdrawn AND NOT EXISTS (
    SELECT FROM examples later WHERE later.key = e.key AND later.id > e.id AND NOT later.withdrawn
)
ORDER BY e.id LIMIT $4
"""
_SQL: dict[TableName, str] = {"predictions": _PREDICTIONS, "corrections": _CORRECTIONS, "examples": _EXAMPLES}
_SCHEMAS = "SELECT DISTINCT ON (schema) schema, body FROM models ORDER BY schema DESC, version DESC"


class Column(NamedTuple):
    """A column of an export before the features."""

    name: str
    kind: ValueKind = "text"


_PLACED = (Column("prediction"),)
_SCORED = (Column("model", "integer"), Column("activation", "integer"))
COLUMNS: dict[TableName, tuple[Column, ...]] = {
    "predictions": (
        *_PLACED,
        *map(Column, ("id", "subject", "batch", "context", "label")),
        Column("confidence", "number"),
        Column("margins", "numbers"),
        *_SCORED,
        *(Column(name, "time") for name in ("ingested_at", "scored_at", "stored_at")),
    ),
    "corrections": (
        Column("feedback"),
        *_PLACED,
        *map(Column, ("record", "label", "predicted", "reviewer", "via", "comment", "key")),
        *_SCORED,
        *(Column(name, "time") for name in ("ingested_at", "sent_at", "stored_at")),
    ),
    "examples": tuple(map(Column, ("id", "subject", "label"))),
}


class Record(NamedTuple):
    """A row: its values in the order of the table's COLUMNS, and a value per feature; None: it has none."""

    values: Sequence[Any]
    features: Sequence[Value]


class Page(NamedTuple):
    """Rows, and the cursor to continue after them with."""

    records: list[Record]
    cursor: str


@dataclass(frozen=True, slots=True)
class Span:
    """What is exported: from `begin` on and before `end`, by ingestion, sending or loading; after a cursor, if any."""

    table: TableName
    begin: datetime
    end: datetime
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Features:
    """The columns of features: the namespace's, then those of former versions.

    `texts`: the names of those that are no numbers, in one version at least. `first`: the first version of the current
    chain, in which examples were loaded that name none. `of_version`: the features of each; `of_model`: the version of
    each model.
    """

    names: tuple[str, ...]
    texts: frozenset[str]
    first: int
    of_version: dict[int, FeatureSchema]
    of_model: dict[int, int]

    def values(
        self, numbers: Sequence[float], strings: Strings | None, schema: int | None, model: int | None
    ) -> list[Value]:
        """The features of a row in the order of `names`; `schema`: its version, None: that of its model, if it has one.

        Raises:
            Refused: nothing is known of features of this number.
        """
        number = schema if schema is not None else self.of_model.get(model or 0, self.first)
        own, width = self.of_version.get(number, self.of_version[self.first]), len(strings or ())
        if (len(own.numbers), len(own.strings)) != (len(numbers), width):
            raise Refused(f"a row has {len(numbers) + width} features, and those of its model are {len(own)}")
        found = own.values(numbers, strings)
        if own.names == self.names:
            return found
        known = dict(zip(own.names, found, strict=True))
        return [known.get(name) for name in self.names]


async def read_feature_columns(pool: Pool) -> Features:
    """The features that rows of the namespace can have.

    Raises:
        PostgresUnavailable: Retryable.
        Refused: no examples were loaded yet.
    """
    async with read_snapshot(pool) as connection:
        stored = await read_versions(connection)
        if not stored:
            raise Refused("there is nothing to export: no examples were loaded yet, so records have no features")
        # Of versions before the first that is known there are models.
        bodies = {row["schema"]: decode_model(row["body"]).schema for row in await connection.fetch(_SCHEMAS)}
        of_version = {**bodies, **{one.version.number: one.version.schema for one in stored}}
        of_model = await versions_of_models(connection)
    every = [one for number in sorted(of_version, reverse=True) for one in of_version[number].features]
    texts = frozenset(one.name for one in every if one.kind != "number")
    return Features(tuple(dict.fromkeys(one.name for one in every)), texts, stored[-1].base, of_version, of_model)


async def pages(pool: Pool, span: Span, features: Features) -> AsyncGenerator[Page, None]:
    """The rows of a span in a fixed order: predictions by ingestion, the others by arrival.

    Raises:
        PostgresUnavailable: Retryable, from the last page's cursor.
        Refused: the cursor isn't one of this table.
    """
    columns = COLUMNS[span.table]
    size = max(1, min(PAGE_ROWS, PAGE_VALUES // (len(columns) + len(features.names))))
    after = _position(span, span.after)
    while True:
        async with read_snapshot(pool, index_only=span.table == "predictions") as connection:
            rows = await connection.fetch(_SQL[span.table], span.end, *after, size)
        if not rows:
            return
        records = [
            Record(
                [_value(row, column) for column in columns],
                features.values(row["features"], row["strings"], row["schema"], row.get("model")),
            )
            for row in rows
        ]
        cursor = _cursor(span.table, rows[-1])
        after = _position(span, cursor)
        yield Page(records, cursor)
        if len(rows) < size:
            return


def _value(row: Any, column: Column) -> Any:
    return str(place_of_row(row)) if column.name == "prediction" else row[column.name]


def _cursor(table: TableName, row: Any) -> str:
    if table == "predictions":
        us = (row["ingested_at"] - _EPOCH) // timedelta(microseconds=1)
        return f"{table}:{us}:{place_of_row(row)}"
    return f"{table}:{row['number']}"


def _position(span: Span, cursor: str | None) -> tuple[Any, ...]:
    """Where a page begins: the span's begin, and what the rows come after: a place of `predictions`, else a number.

    Raises:
        Refused: the cursor is none, or one of another table.
    """
    if span.table != "predictions":
        return span.begin, 0 if cursor is None else _parsed(span.table, cursor)[0]
    first = span.begin, *_BEFORE_ALL
    if cursor is None:
        return first
    us, place = _parsed(span.table, cursor)
    return max(first, (_EPOCH + timedelta(microseconds=us), *parse_place(place)))


def _parsed(table: TableName, cursor: str) -> tuple[int, str]:
    wanted, _, rest = cursor.partition(":")
    number, _, place = rest.partition(":")
    is_number = number.isascii() and number.isdigit() and len(number) < 20 and int(number) <= _LARGEST[table]
    try:
        if table == "predictions":
            parse_place(place)
    except BadIdentity:
        is_number = False
    if wanted != table or not is_number:
        text = f"{cursor[:100]!r} is no cursor of an export of {table}"
        raise Refused(f"{text}: it is what such an export printed behind --after")
    return int(number), place
