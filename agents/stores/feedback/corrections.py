"""The `corrections` table: one row per feedback id of a sender, with a copy of the prediction.

Each writer holds one lock of the namespace until its commit, so that ids rise in the order of commits: a reader that
has read up to an id has missed no row below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, NamedTuple

from relearn.agents.stores.feedback.resolve import PredictionRef, resolve_predictions
from relearn.agents.stores.feedback.waiting_rows import put_waiting, read_waiting
from relearn.agents.stores.places import place_of_row
from relearn.agents.stores.postgres import Connection, Pool, postgres_errors
from relearn.schemas.errors import BadRow
from relearn.schemas.identity import Place
from relearn.schemas.messages.feedback import Feedback, ReceivedFeedback, Via, in_order_of_arrival
from relearn.schemas.messages.records import Fault, RawMessage

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' corrections', 0))"
# In the same statement, the totals of the reviewers.
_INSERT = """
WITH inserted AS (
INSERT INTO corrections (feedback, principal, sent_at, sent_partition, sent_offset, label, reviewer, via, comment,
    record, arrival, generation, kafka_partition, kafka_offset, record_index, ingested_at, key, features, strings,
    predicted, model, activation, schema)
SELECT u.feedback, u.principal, to_timestamp(u.sent_s), u.sent_partition, u.sent_offset, u.label, u.reviewer, u.via,
    u.comment, u.record, coalesce(u.arrival, nextval('arrivals')), u.g, u.p, u.o, u.i, u.ingested_at, u.key,
    prediction.*
FROM unnest($1::text[], $2::float8[], $3::int[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
        $9::text[], $10::int[], $11::int[], $12::bigint[], $13::int[], $14::timestamptz[], $15::text[], $16::text[],
        $17::bigint[])
    WITH ORDINALITY AS u (feedback, sent_s, sent_partition, sent_offset, label, reviewer, via, comment,
        record, g, p, o, i, ingested_at, key, principal, arrival, n)
CROSS JOIN LATERAL (
    SELECT features, strings, label, model, activation, schema FROM predictions
    WHERE generation = u.g AND kafka_partition = u.p AND kafka_offset = u.o AND record_index = u.i
        AND ingested_at = u.ingested_at
    LIMIT 1
) AS prediction
ORDER BY u.n
ON CONFLICT (feedback, scope) DO NOTHING
RETURNING feedback, label, predicted, reviewer, via, generation, kafka_partition, kafka_offset, record_index, sent_at,
    sent_partition, sent_offset
), added AS (
INSERT INTO reviewer_totals AS t (reviewer, corrections, confirmations, withdrawals, first_at, last_at)
SELECT coalesce(reviewer, ''), count(*) FILTER (WHERE label <> predicted), count(*) FILTER (WHERE label = predicted),
    count(*) FILTER (WHERE label IS NULL), min(sent_at), max(sent_at)
FROM inserted GROUP BY coalesce(reviewer, '')
ON CONFLICT (reviewer) DO UPDATE SET corrections = t.corrections + excluded.corrections,
    confirmations = t.confirmations + excluded.confirmations, withdrawals = t.withdrawals + excluded.withdrawals,
    first_at = least(t.first_at, excluded.first_at), last_at = greatest(t.last_at, excluded.last_at)
)
SELECT feedback, label, predicted, reviewer, via, generation, kafka_partition, kafka_offset, record_index,
    sent_partition, sent_offset FROM inserted
"""


_STORED = """
SELECT u.n, c.label, c.comment, c.record, c.generation, c.kafka_partition, c.kafka_offset, c.record_index
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS u (feedback, scope, n)
JOIN corrections c ON c.feedback = u.feedback AND c.scope = u.scope
"""


#: Why feedback neither is recorded nor waits.
NO_ROOM = Fault(0, "unknown", "its prediction isn't stored, and too much feedback waits for predictions already")


#: The outcome of a statement: a new row, or it begins to wait; an equal one, or another one of its sender, has its id
#: already; it goes on waiting; or it is refused.
Outcome = Literal["row", "put", "same", "other", "waits", "no-room"]


class Recorded(NamedTuple):
    """A new row of `corrections`."""

    feedback: str
    label: str | None
    predicted: str
    reviewer: str | None
    via: Via
    place: Place


class Refusal(NamedTuple):
    """Feedback that Postgres rejects as bad data, or whose id its sender has used for another statement."""

    statement: ReceivedFeedback
    fault: Fault


@dataclass(frozen=True, slots=True)
class Taken:
    """The outcomes of feedback messages, each counted once. Corrections, confirmations and withdrawals are new rows.

    `recorded`: the new rows, in the order of their ids. `settled`: the messages that are rows, new or not.
    """

    corrections: int = 0
    confirmations: int = 0
    withdrawals: int = 0
    duplicates: int = 0
    waiting: int = 0
    refused: Sequence[Refusal] = ()
    recorded: Sequence[Recorded] = field(default=(), compare=False)
    settled: Sequence[RawMessage] = field(default=(), compare=False)

    @property
    def rows(self) -> int:
        """New rows of `corrections`."""
        return self.corrections + self.confirmations + self.withdrawals

    def __add__(self, other: Taken) -> Taken:
        def both(name: str) -> Any:
            one, two = getattr(self, name), getattr(other, name)
            return one + two if isinstance(one, int) else (*one, *two)

        return Taken(**{field.name: both(field.name) for field in fields(self)})


async def store_feedback(pool: Pool, statements: Sequence[ReceivedFeedback]) -> Taken:
    """Insert feedback in one transaction, in the order of arrival; feedback whose prediction isn't stored yet waits.

    A statement that is stored already changes nothing. Another statement with an id that its sender has used is refused
    with reason `conflict`.

    Raises:
        PostgresUnavailable: Retryable; nothing was stored, or all was and the answer was lost.
    """
    if not statements:
        return Taken()
    with postgres_errors():
        async with pool.acquire() as connection, connection.transaction():
            return await take_statements(connection, statements, put=True)


async def take_statements(connection: Connection, statements: Sequence[ReceivedFeedback], *, put: bool) -> Taken:
    """As `store_feedback`, within the caller's transaction; finds feedback that Postgres rejects by halving.

    Without `put`, feedback without a stored prediction is only counted.
    """
    return await _take_by_halving(connection, in_order_of_arrival(statements), put=put)


async def _take_by_halving(connection: Connection, in_order: Sequence[ReceivedFeedback], *, put: bool) -> Taken:
    try:
        with postgres_errors():
            async with connection.transaction():
                return await _take(connection, in_order, put=put)
    except BadRow as exc:
        if len(in_order) == 1:
            return Taken(refused=[Refusal(in_order[0], Fault(0, "refused", str(exc)))])
    middle = len(in_order) // 2
    first = await _take_by_halving(connection, in_order[:middle], put=put)
    return first + await _take_by_halving(connection, in_order[middle:], put=put)


async def _take(connection: Connection, statements: Sequence[ReceivedFeedback], *, put: bool) -> Taken:
    resolved = await resolve_predictions(connection, [one.feedback for one in statements])
    pairs = list(zip(statements, resolved, strict=True))
    found = [(one, its) for one, its in pairs if its is not None]
    if found or put:
        await connection.execute(_LOCK)
    rows = await connection.fetch(_INSERT, *_columns(found)) if found else []
    outcomes: dict[tuple[int, int], Outcome] = {(row["sent_partition"], row["sent_offset"]): "row" for row in rows}
    if put:
        missing = [one for one, its in pairs if its is None]
        outcomes |= dict.fromkeys(await put_waiting(connection, missing), "put")
    rest = [pair for pair in pairs if pair[0].sent[1:] not in outcomes]
    if rest:
        outcomes |= await _repeats(connection, rest, put=put)
    withdrawals = sum(row["label"] is None for row in rows)
    confirmations = sum(row["label"] == row["predicted"] for row in rows)
    of_each = [outcomes[one.sent[1:]] for one in statements]
    waiting = list(outcomes.values()).count("put") + of_each.count("waits")
    refused = tuple(
        _conflict(one) if outcome == "other" else Refusal(one, NO_ROOM)
        for one, outcome in zip(statements, of_each, strict=True)
        if outcome in {"other", "no-room"}
    )
    return Taken(
        corrections=len(rows) - withdrawals - confirmations,
        confirmations=confirmations,
        withdrawals=withdrawals,
        # Among them a message that is given twice: one row, and one duplicate.
        duplicates=len(statements) - len(rows) - waiting - len(refused),
        waiting=waiting,
        refused=refused,
        recorded=list(map(_recorded, rows)),
        settled=[one.message for one, it in zip(statements, of_each, strict=True) if it in {"row", "same"}],
    )


async def _repeats(
    connection: Connection, rest: Sequence[tuple[ReceivedFeedback, PredictionRef | None]], *, put: bool
) -> dict[tuple[int, int], Outcome]:
    """The outcomes of statements that are neither new rows nor began to wait, by partition and offset of their message.

    Each is compared with the statement that is stored under its id and scope, and with `put` also with one that waits.
    """
    keys = [one.feedback.id for one, _ in rest], [one.feedback.scope for one, _ in rest]
    outcomes: dict[tuple[int, int], Outcome] = {one.sent[1:]: "no-room" if put else "waits" for one, _ in rest}
    if put:
        for i, feedback in (await read_waiting(connection, *keys)).items():
            one, _ = rest[i]
            outcomes[one.sent[1:]] = "same" if _content(feedback) == _content(one.feedback) else "other"
    for row in await connection.fetch(_STORED, *keys):
        one, its = rest[row["n"] - 1]
        said = one.feedback
        place = said.prediction if its is None else its.place
        about_same = row["record"] == said.record if said.prediction is None else place_of_row(row) == place
        same = about_same and (row["label"], row["comment"]) == (said.label, said.comment)
        outcomes[one.sent[1:]] = "same" if same else "other"
    return outcomes


def _content(said: Feedback | None) -> tuple[object, ...] | None:
    if said is None:
        return None
    about = said.record if said.prediction is None else said.prediction
    return about, said.label, said.comment


def _conflict(one: ReceivedFeedback) -> Refusal:
    said = one.feedback
    sender = "this API key" if said.principal is not None else f"reviewer {said.reviewer!r}"
    return Refusal(one, Fault(0, "conflict", f"{sender} has used the id {said.id!r} for another statement"))


def _recorded(row: Any) -> Recorded:
    feedback, label, predicted, reviewer, via, *place = tuple(row)[:9]
    return Recorded(feedback, label, predicted, reviewer, via, Place(*place))


def _columns(found: Sequence[tuple[ReceivedFeedback, PredictionRef]]) -> list[list[Any]]:
    """The parameters of `_INSERT`."""
    rows = []
    for one, its in found:
        said, at = one.feedback, its.place
        statement = (said.id, *one.sent, said.label, said.reviewer, said.via, said.comment, said.record)
        place = at.generation, at.partition, at.offset, at.index
        rows.append((*statement, *place, its.ingested_at, its.key, said.principal, one.arrival))
    return [list(column) for column in zip(*rows, strict=True)]
