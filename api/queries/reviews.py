"""What was said of predictions: each reviewer's last word, or everything, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from relearn.agents.learning.reviews import Statement, reviews, standing_statements
from relearn.agents.stores.feedback.statements import COLUMNS, statement_of
from relearn.agents.stores.postgres import Connection
from relearn.schemas.identity import Place, place_columns

_COLUMNS = f"{COLUMNS}, c.feedback, c.comment, c.record, c.sent_at, c.stored_at"
# DISTINCT inside keeps it one look into the index per place, whatever the planner thinks of the table.
_LAST_WORDS = f"""
SELECT said.* FROM unnest($1::int[], $2::int[], $3::bigint[], $4::int[]) AS u (g, p, o, i)
CROSS JOIN LATERAL (
    SELECT DISTINCT ON (c.reviewer) {_COLUMNS} FROM corrections c
    WHERE c.generation = u.g AND c.kafka_partition = u.p AND c.kafka_offset = u.o AND c.record_index = u.i
    ORDER BY c.reviewer, c.sent_at DESC, c.sent_partition DESC, c.sent_offset DESC
) AS said
"""  # noqa: S608 - column names
_OF_PLACE = f"""
SELECT {_COLUMNS} FROM corrections c
WHERE (c.generation, c.kafka_partition, c.kafka_offset, c.record_index) = ($1, $2, $3, $4)
    AND (c.sent_at, c.sent_partition, c.sent_offset) < ($5, $6, $7)
ORDER BY c.sent_at DESC, c.sent_partition DESC, c.sent_offset DESC LIMIT $8
"""  # noqa: S608 - the same
_OF_FEEDBACK = f"SELECT {_COLUMNS} FROM corrections c WHERE c.feedback = $1"  # noqa: S608 - the same


class Sent(NamedTuple):
    """Where a statement stands in Kafka's order."""

    at: datetime
    partition: int
    offset: int


class Said(NamedTuple):
    """A statement, without features, and what only people want to know of it."""

    statement: Statement
    feedback: str
    comment: str | None
    record: str | None
    sent: Sent
    stored_at: datetime


class Reviewed(NamedTuple):
    """What is said of one prediction now: each reviewer's standing label, oldest first, and the one that counts."""

    standing: Sequence[Said]
    counts: Said | None

    @property
    def disputed(self) -> bool:
        """Whether two of them say different labels."""
        return len({one.statement.label for one in self.standing}) > 1


NOTHING = Reviewed((), None)


async def last_words(connection: Connection, places: Iterable[Place]) -> list[Said]:
    """Each reviewer's last word on each of these predictions, withdrawals too."""
    columns = place_columns(places)
    return [_said(row) for row in await connection.fetch(_LAST_WORDS, *columns)] if columns.offsets else []


async def said_of(connection: Connection, place: Place, after: Sent, limit: int) -> list[Said]:
    """Everything that was ever said of a prediction, what came last first; after a place in that order."""
    at = place.generation, place.partition, place.offset, place.index
    return [_said(row) for row in await connection.fetch(_OF_PLACE, *at, *after, limit)]


async def said_by_id(connection: Connection, feedback: str) -> Said | None:
    """One statement by its feedback's id, or None."""
    row = await connection.fetchrow(_OF_FEEDBACK, feedback)
    return None if row is None else _said(row)


def reviewed(words: Iterable[Said]) -> Mapping[Place, Reviewed]:
    """What last words come to, by prediction; those of which nothing stands are left out."""
    by_id = {one.statement.id: one for one in words}
    statements = [one.statement for one in by_id.values()]
    stand: dict[Place, list[Said]] = {}
    for one in standing_statements(statements):
        stand.setdefault(one.place, []).append(by_id[one.id])
    return {one.place: Reviewed(stand[one.place], by_id[one.id]) for one in reviews(statements)}


def superseded_by(one: Said, words: Iterable[Said]) -> Said | None:
    """What makes `one` count no more, of the last `words` on its prediction; None: it counts.

    First of all its reviewer's own last word; then the review that counts. A withdrawal has nothing else above it.
    """
    by_id = {said.statement.id: said for said in words}
    own = next(said for said in by_id.values() if said.statement.reviewer == one.statement.reviewer)
    if own.statement.id != one.statement.id:
        return own
    counting = reviews(said.statement for said in by_id.values())
    if one.statement.label is None or not counting or counting[0].id == one.statement.id:
        return None
    return by_id[counting[0].id]


def _said(row: Any) -> Said:
    sent = Sent(row["sent_at"], row["sent_partition"], row["sent_offset"])
    return Said(statement_of(row), row["feedback"], row["comment"], row["record"], sent, row["stored_at"])
