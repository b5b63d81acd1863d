"""Feedback: statements on predictions, the reviews that follow from them, and feedback that isn't recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from relearn.agents.learning.reviews import Statement, reviews, standing_statements
from relearn.agents.stores.feedback.review_sql import latest_of_prediction
from relearn.agents.stores.feedback.reviewer_statements import COLUMNS, statement_of
from relearn.agents.stores.postgres import Connection
from relearn.schemas.identity import Place, place_columns

_COLUMNS = f"{COLUMNS}, c.feedback, c.comment, c.record, c.sent_at, c.stored_at"
_LATEST = f"""
SELECT latest.* FROM unnest($1::int[], $2::int[], $3::bigint[], $4::int[]) AS u (g, p, o, i)
CROSS JOIN LATERAL (
    {latest_of_prediction(_COLUMNS, "u.g, u.p, u.o, u.i")}
) AS latest
"""  # noqa: S608 - column names
_OF_PLACE = f"""
SELECT {_COLUMNS} FROM corrections c
WHERE (c.generation, c.kafka_partition, c.kafka_offset, c.record_index) = ($1, $2, $3, $4)
    AND (c.sent_at, c.sent_partition, c.sent_offset) < ($5, $6, $7)
ORDER BY c.sent_at DESC, c.sent_partition DESC, c.sent_offset DESC LIMIT $8
"""  # noqa: S608 - the same
_OF_FEEDBACK = f"SELECT {_COLUMNS} FROM corrections c WHERE c.feedback = $1"  # noqa: S608 - the same
_WAITING = "SELECT value, sent_at, since FROM waiting_feedback WHERE feedback = $1"
_DEAD = """
SELECT id, reason, error, at, redriven_at FROM dead_letters WHERE feedback = $1 ORDER BY id DESC LIMIT 1
"""


class SentAt(NamedTuple):
    """A statement's position in Kafka's order."""

    at: datetime
    partition: int
    offset: int


class RecordedStatement(NamedTuple):
    """A statement without features, and the columns that only the API shows."""

    statement: Statement
    feedback: str
    comment: str | None
    record: str | None
    sent: SentAt
    stored_at: datetime


class PredictionReviews(NamedTuple):
    """Each reviewer's latest label on one prediction, oldest first, and the one that counts as its review."""

    standing: Sequence[RecordedStatement]
    review: RecordedStatement | None

    @property
    def disputed(self) -> bool:
        """Whether the labels differ."""
        return len({one.statement.label for one in self.standing}) > 1


NO_REVIEWS = PredictionReviews((), None)


async def latest_statements(connection: Connection, places: Iterable[Place]) -> list[RecordedStatement]:
    """Each reviewer's latest statement on each of these predictions, including withdrawals."""
    columns = place_columns(places)
    return [_recorded_statement(row) for row in await connection.fetch(_LATEST, *columns)] if columns.offsets else []


async def read_statements(connection: Connection, place: Place, after: SentAt, limit: int) -> list[RecordedStatement]:
    """At most `limit` statements on a prediction that were sent before `after`, newest first."""
    at = place.generation, place.partition, place.offset, place.index
    return [_recorded_statement(row) for row in await connection.fetch(_OF_PLACE, *at, *after, limit)]


async def find_statement(connection: Connection, feedback: str) -> RecordedStatement | None:
    """The statement with this feedback id, or None."""
    row = await connection.fetchrow(_OF_FEEDBACK, feedback)
    return None if row is None else _recorded_statement(row)


async def waiting_feedback(connection: Connection, feedback: str) -> Any | None:
    """The waiting message of this id with the times when it was sent and began to wait, or None."""
    return await connection.fetchrow(_WAITING, feedback)


async def dead_feedback(connection: Connection, feedback: str) -> Any | None:
    """The newest dead letter of feedback with this id, or None."""
    return await connection.fetchrow(_DEAD, feedback)


def reviews_by_place(latest: Iterable[RecordedStatement]) -> Mapping[Place, PredictionReviews]:
    """The reviews that follow from latest statements, by prediction. Predictions without a review are left out."""
    by_id = {one.statement.id: one for one in latest}
    statements = [one.statement for one in by_id.values()]
    latest_labels: dict[Place, list[RecordedStatement]] = {}
    for one in standing_statements(statements):
        latest_labels.setdefault(one.place, []).append(by_id[one.id])
    return {one.place: PredictionReviews(latest_labels[one.place], by_id[one.id]) for one in reviews(statements)}


def superseded_by(one: RecordedStatement, latest: Iterable[RecordedStatement]) -> RecordedStatement | None:
    """The statement that supersedes `one`, from the `latest` statements on its prediction; None: `one` counts.

    Its reviewer's own latest statement, else the review. Only the former supersedes a withdrawal.
    """
    by_id = {each.statement.id: each for each in latest}
    own = next(each for each in by_id.values() if each.statement.reviewer == one.statement.reviewer)
    if own.statement.id != one.statement.id:
        return own
    counting = reviews(each.statement for each in by_id.values())
    if one.statement.label is None or not counting or counting[0].id == one.statement.id:
        return None
    return by_id[counting[0].id]


def _recorded_statement(row: Any) -> RecordedStatement:
    sent = SentAt(row["sent_at"], row["sent_partition"], row["sent_offset"])
    return RecordedStatement(statement_of(row), row["feedback"], row["comment"], row["record"], sent, row["stored_at"])
