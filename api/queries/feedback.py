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
from relearn.schemas.messages.feedback import decode_feedback

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
#: Maximum number of senders whose feedback with one id is read.
MOST_SENDERS = 100
_OF_FEEDBACK = f"SELECT {_COLUMNS}, c.scope FROM corrections c WHERE c.feedback = $1 LIMIT $2"  # noqa: S608 - the same
_WAITING = "SELECT value, sent_at, since, scope FROM waiting_feedback WHERE feedback = $1 LIMIT $2"
# The newest dead letter of each sender.
_DEAD = """
SELECT DISTINCT ON (feedback_scope) id, reason, error, at, redriven_at, feedback_scope
FROM dead_letters WHERE feedback = $1 ORDER BY feedback_scope, id DESC LIMIT $2
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


class FoundFeedback(NamedTuple):
    """The feedback of one sender: recorded, waiting (`row` has the message), or a dead letter (`row` describes it)."""

    scope: str
    reviewer: str | None
    recorded: RecordedStatement | None
    waits: bool
    row: Any


async def find_feedback(connection: Connection, feedback: str) -> list[FoundFeedback]:
    """The newest state of the feedback with this id, one for each of at most MOST_SENDERS senders."""
    found: dict[str, FoundFeedback] = {}
    for row in await connection.fetch(_DEAD, feedback, MOST_SENDERS):
        scope = row["feedback_scope"] or ""
        reviewer = scope.removeprefix("reviewer:") if scope.startswith("reviewer:") else None
        found[scope] = FoundFeedback(scope, reviewer, None, False, row)
    for row in await connection.fetch(_WAITING, feedback, MOST_SENDERS):
        found[row["scope"]] = FoundFeedback(row["scope"], decode_feedback(row["value"]).reviewer, None, True, row)
    for row in await connection.fetch(_OF_FEEDBACK, feedback, MOST_SENDERS):
        recorded = _recorded_statement(row)
        found[row["scope"]] = FoundFeedback(row["scope"], recorded.statement.reviewer, recorded, False, row)
    return list(found.values())


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
