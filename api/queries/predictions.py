"""Stored predictions, newest first, a page at a time, and one by its id.

A page is a walk along one index: of everything, of a batch, or of what was reviewed. It looks at no more than LOOKED
rows, whatever the filters leave of them; then it says how far it came, and the next page goes on from there.

Connections are such as `api.queries.index_only` opens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from relearn.agents.stores.postgres import Connection
from relearn.schemas.http.predictions import LOOKED
from relearn.schemas.identity import Place

_PLACE = "generation, kafka_partition, kafka_offset, record_index"
_KEY = f"ingested_at, {_PLACE}"
_DOWN = ", ".join(f"{column} DESC" for column in _KEY.split(", "))
_OTHERS = "id, subject, batch, features, label, margins, confidence, model, activation, scored_at, stored_at"
# The row comparison finds where to begin; the plain one leaves out partitions that are too young.
_AFTER = f"ingested_at <= $1 AND ({_KEY}) < ($1, $2, $3, $4, $5)"
_ALL = f"SELECT {_KEY}, {_OTHERS} FROM predictions WHERE {_AFTER} ORDER BY {_DOWN}"  # noqa: S608 - names of our own
# As a span from the batch to itself, so that no other index than the batches' has the order, whatever the planner
# believes of the batch.
_OF_BATCH = f"""
SELECT {_KEY}, {_OTHERS} FROM predictions
WHERE batch >= $6 AND (batch, ingested_at) <= ($6, $1) AND ingested_at >= $7 AND {_AFTER}
ORDER BY batch DESC, {_DOWN}
"""  # noqa: S608 - the same
_SAID = f"SELECT {_KEY}, predicted AS label, model FROM corrections WHERE {_AFTER} ORDER BY {_DOWN}"  # noqa: S608
_OF_SAID = """
SELECT said.*, p.* FROM (SELECT DISTINCT ON ({key}) {key} FROM ({walk}) AS every {where} ORDER BY {down}) AS said
CROSS JOIN LATERAL (
    SELECT {others} FROM predictions
    WHERE ({key}) = (said.ingested_at, said.generation, said.kafka_partition, said.kafka_offset, said.record_index)
    LIMIT 1
) AS p ORDER BY {down}
"""
#: Whether any reviewer's last word on the row of `walked` stands.
REVIEWED = f"""EXISTS (
    SELECT FROM (
        SELECT DISTINCT ON (c.reviewer) c.label FROM corrections c
        WHERE ({", ".join(f"c.{column}" for column in _PLACE.split(", "))})
            = ({", ".join(f"walked.{column}" for column in _PLACE.split(", "))})
        ORDER BY c.reviewer, c.sent_at DESC, c.sent_partition DESC, c.sent_offset DESC
    ) AS last_word WHERE label IS NOT NULL
)"""  # noqa: S608 - the same
_ONE = f"""
SELECT {_KEY}, {_OTHERS}, context, (SELECT sha256 FROM models WHERE version = p.model) AS digest
FROM predictions p WHERE ({_PLACE}) = ($1, $2, $3, $4) ORDER BY ingested_at DESC LIMIT 1
"""  # noqa: S608 - the same


class At(NamedTuple):
    """Where a prediction stands in the list."""

    ingested_at: datetime
    place: Place

    @property
    def parameters(self) -> tuple[datetime, int, int, int, int]:
        """As a query takes it."""
        place = self.place
        return self.ingested_at, place.generation, place.partition, place.offset, place.index


#: Before the first of all lists.
TOP = At(datetime.max.replace(tzinfo=UTC), Place(2**31 - 1, 2**31 - 1, 2**63 - 1, 2**31 - 1))


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is confined to; None: not by that."""

    batch: str | None = None
    model: int | None = None
    label: str | None = None
    reviewed: bool | None = None


class Walk(NamedTuple):
    """What to walk along: `places` in their `order`, from `parameters` on."""

    places: str
    order: str
    parameters: Sequence[Any]


async def read_page(
    connection: Connection, filters: Filters, after: At | None, limit: int, *, looked: int = LOOKED
) -> tuple[list[Any], At | None]:
    """At most `limit` rows after a place in the list, and where the next page begins; None: there is none.

    Fewer rows than `limit` with a next page: `looked` were
    looked at.
    """
    walk = await _walk(connection, filters, after or TOP)
    if walk is None:
        return [], None
    rows, values = _left(walk, filters, looked)
    found = await connection.fetch(f"{rows} ORDER BY {walk.order} LIMIT {limit + 1}", *walk.parameters, *values)
    if len(found) > limit:
        return found[:limit], at_of(found[limit - 1])
    end = f"SELECT {_KEY} FROM ({walk.places} OFFSET {looked - 1} LIMIT 1) AS walked"  # noqa: S608
    last = await connection.fetchrow(end, *walk.parameters)
    return found, None if last is None else at_of(last)


async def read_one(connection: Connection, place: Place) -> Any | None:
    """One row with its context and the SHA-256 of its model's body, None where that isn't registered; or None."""
    return await connection.fetchrow(_ONE, place.generation, place.partition, place.offset, place.index)


def at_of(row: Any) -> At:
    """Where a row stands."""
    place = row["generation"], row["kafka_partition"], row["kafka_offset"], row["record_index"]
    return At(row["ingested_at"], Place(*place))


async def _walk(connection: Connection, filters: Filters, after: At) -> Walk | None:
    """Along which index; None where there is nothing to walk along."""
    if filters.batch is None:
        return Walk(_SAID if filters.reviewed else _ALL, _DOWN, after.parameters)
    span = await connection.fetchrow("SELECT first_at, last_at FROM batches WHERE batch = $1", filters.batch)
    if span is None:
        return None
    begin = min(after, TOP._replace(ingested_at=span["last_at"]))
    return Walk(_OF_BATCH, f"batch DESC, {_DOWN}", (*begin.parameters, filters.batch, span["first_at"]))


def _left(walk: Walk, filters: Filters, looked: int) -> tuple[str, list[Any]]:
    """The query of the rows that the filters leave of a walk, and its parameters beside the walk's own."""
    equal = {name: value for name in ("model", "label") if (value := getattr(filters, name)) is not None}
    conditions = [f"{name} = ${number}" for number, name in enumerate(equal, len(walk.parameters) + 1)]
    rows = f"{walk.places} LIMIT {looked}"
    if walk.places is _SAID:
        # What was said copies label and model: predictions that aren't meant need not be looked up.
        rows = _OF_SAID.format(key=_KEY, down=_DOWN, others=_OTHERS, walk=rows, where=_where(conditions))
        conditions = []
    if filters.reviewed is not None:
        conditions.append(REVIEWED if filters.reviewed else f"NOT {REVIEWED}")
    return f"SELECT * FROM ({rows}) AS walked {_where(conditions)}", list(equal.values())  # noqa: S608 - no values in it


def _where(conditions: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""
