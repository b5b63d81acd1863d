"""Stored predictions: a page of them, newest first, and one by its id.

A page walks along one index: of all predictions, of a batch, or of reviewed ones. It reads at most LOOKED rows, however
few of them the filters select, and returns the position reached, from which the next page continues.

Connections are of `read_snapshot(…, index_only=True)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from relearn.agents.stores.feedback.review_sql import latest_of_prediction
from relearn.agents.stores.places import PLACE, place_of_row
from relearn.agents.stores.postgres import Connection
from relearn.agents.stores.predictions.keyed_writes import first_places
from relearn.schemas.http.predictions import LOOKED
from relearn.schemas.identity import INT32_MAX, INT64_MAX, Place

_KEY = f"ingested_at, {PLACE}"
_DOWN = ", ".join(f"{column} DESC" for column in _KEY.split(", "))
_OTHERS = (
    "id, subject, batch, features, strings, schema, label, margins, confidence, model, activation, scored_at, stored_at"
)
# The row comparison finds the start; the plain one excludes partitions that are too new.
_AFTER = f"ingested_at <= $1 AND ({_KEY}) < ($1, $2, $3, $4, $5)"
_ALL = f"SELECT {_KEY}, {_OTHERS} FROM predictions WHERE {_AFTER} ORDER BY {_DOWN}"  # noqa: S608 - names of our own
# A range of `batch` instead of equality, so that only the index on batches has the required order, whatever the
# planner estimates for the batch.
_OF_BATCH = f"""
SELECT {_KEY}, {_OTHERS} FROM predictions
WHERE batch >= $6 AND (batch, ingested_at) <= ($6, $1) AND ingested_at >= $7 AND {_AFTER}
ORDER BY batch DESC, {_DOWN}
"""  # noqa: S608 - the same
_REVIEWED_WALK = f"SELECT {_KEY}, predicted AS label, model FROM corrections WHERE {_AFTER} ORDER BY {_DOWN}"  # noqa: S608
_OF_REVIEWED = """
SELECT r.*, p.* FROM (SELECT DISTINCT ON ({key}) {key} FROM ({walk}) AS every {where} ORDER BY {down}) AS r
CROSS JOIN LATERAL (
    SELECT {others} FROM predictions
    WHERE ({key}) = (r.ingested_at, r.generation, r.kafka_partition, r.kafka_offset, r.record_index)
    LIMIT 1
) AS p ORDER BY {down}
"""
#: Whether the row of `walked` has a review: the latest feedback of at least one reviewer is a label.
REVIEWED = f"""EXISTS (
    SELECT FROM (
        {latest_of_prediction("c.label", ", ".join(f"walked.{column}" for column in PLACE.split(", ")))}
    ) AS latest WHERE label IS NOT NULL
)"""
_ONE = f"""
SELECT {_KEY}, {_OTHERS}, context, (SELECT sha256 FROM models WHERE version = p.model) AS digest
FROM predictions p WHERE ({PLACE}) = ($1, $2, $3, $4) ORDER BY ingested_at DESC LIMIT 1
"""  # noqa: S608 - the same


class At(NamedTuple):
    """Position of a prediction in the list."""

    ingested_at: datetime
    place: Place

    @property
    def parameters(self) -> tuple[datetime, int, int, int, int]:
        """The position as query parameters."""
        place = self.place
        return self.ingested_at, place.generation, place.partition, place.offset, place.index


#: Before the first prediction of any list.
TOP = At(datetime.max.replace(tzinfo=UTC), Place(INT32_MAX, INT32_MAX, INT64_MAX, INT32_MAX))


@dataclass(frozen=True, slots=True)
class Filters:
    """Filters of a list; None: no filter."""

    batch: str | None = None
    model: int | None = None
    label: str | None = None
    reviewed: bool | None = None


class Walk(NamedTuple):
    """A walk: the query `places` in `order`, starting from `parameters`."""

    places: str
    order: str
    parameters: Sequence[Any]


async def read_page(
    connection: Connection, filters: Filters, after: At | None, limit: int, *, looked: int = LOOKED
) -> tuple[list[Any], At | None]:
    """At most `limit` rows after a position, and the position after which the next page begins; None: the last page.

    A page with a next one may have fewer rows than `limit`: it ends after `looked` rows of the walk.
    """
    walk = await _walk(connection, filters, after or TOP)
    if walk is None:
        return [], None
    rows, values = _filtered(walk, filters, looked)
    found = await connection.fetch(f"{rows} ORDER BY {walk.order} LIMIT {limit + 1}", *walk.parameters, *values)
    if len(found) > limit:
        return found[:limit], at_of(found[limit - 1])
    end = f"SELECT {_KEY} FROM ({walk.places} OFFSET {looked - 1} LIMIT 1) AS walked"  # noqa: S608
    last = await connection.fetchrow(end, *walk.parameters)
    return found, None if last is None else at_of(last)


async def read_one(connection: Connection, place: Place) -> Any | None:
    """One row with its context and its model's SHA-256 (None if not registered); None if there is no such row.

    A place in a repeated message names the row of the first one.
    """
    row = await connection.fetchrow(_ONE, place.generation, place.partition, place.offset, place.index)
    if row is None and (first := (await first_places(connection, [place])).get(place)) is not None:
        row = await connection.fetchrow(_ONE, first.generation, first.partition, first.offset, first.index)
    return row


def at_of(row: Any) -> At:
    """The position of a row."""
    return At(row["ingested_at"], place_of_row(row))


async def _walk(connection: Connection, filters: Filters, after: At) -> Walk | None:
    """The walk for these filters; None if the batch doesn't exist."""
    if filters.batch is None:
        return Walk(_REVIEWED_WALK if filters.reviewed else _ALL, _DOWN, after.parameters)
    span = await connection.fetchrow("SELECT first_at, last_at FROM batches WHERE batch = $1", filters.batch)
    if span is None:
        return None
    begin = min(after, TOP._replace(ingested_at=span["last_at"]))
    return Walk(_OF_BATCH, f"batch DESC, {_DOWN}", (*begin.parameters, filters.batch, span["first_at"]))


def _filtered(walk: Walk, filters: Filters, looked: int) -> tuple[str, list[Any]]:
    """The query for the rows of a walk that the filters select, and its parameters beside the walk's own."""
    equal = {name: value for name in ("model", "label") if (value := getattr(filters, name)) is not None}
    conditions = [f"{name} = ${number}" for number, name in enumerate(equal, len(walk.parameters) + 1)]
    rows = f"{walk.places} LIMIT {looked}"
    if walk.places is _REVIEWED_WALK:
        # `corrections` has label and model too: only predictions that the filters select are looked up.
        rows = _OF_REVIEWED.format(key=_KEY, down=_DOWN, others=_OTHERS, walk=rows, where=_where(conditions))
        conditions = []
    if filters.reviewed is not None:
        conditions.append(REVIEWED if filters.reviewed else f"NOT {REVIEWED}")
    return f"SELECT * FROM ({rows}) AS walked {_where(conditions)}", list(equal.values())  # noqa: S608 - no values in it


def _where(conditions: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""
