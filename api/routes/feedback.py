"""Feedback: sent to Kafka, and its outcome by id."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any

from msgspec import UNSET

from relearn.agents.stores.postgres import read_snapshot
from relearn.api.http.call import Call, Caller, Handlers
from relearn.api.http.problems import ProblemError, invalid_fields
from relearn.api.queries.feedback import (
    RecordedStatement,
    dead_feedback,
    find_statement,
    latest_statements,
    superseded_by,
    waiting_feedback,
)
from relearn.api.review.served_via import served_via
from relearn.api.writes.feedback import reviewer_of, send_feedback
from relearn.schemas.errors import BadIdentity, BadMessage
from relearn.schemas.http.feedback import (
    AcceptedFeedback,
    DeadFeedback,
    FeedbackBody,
    FeedbackItem,
    FeedbackPath,
    RecordedFeedback,
    WaitingFeedback,
)
from relearn.schemas.http.problems import FieldFault
from relearn.schemas.identity import Place, parse_place
from relearn.schemas.labels import read_label
from relearn.schemas.messages.feedback import Feedback, Via, decode_feedback
from relearn.schemas.text import text_fault


async def create_feedback(call: Call[None, None, FeedbackBody]) -> AcceptedFeedback:
    """Send all feedback, or raise a problem with the ids that were written."""
    given = call.body.items()
    places, labels = _read(given, alone=call.body.feedback is UNSET)
    known = [place for place in places if place is not None]
    served = dict(zip(known, await served_via(call.context.redis, call.context.settings.namespace, known), strict=True))
    feedback = [
        _feedback(one, place, label, call.caller, served)
        for one, place, label in zip(given, places, labels, strict=True)
    ]
    await send_feedback(call.context, feedback)
    ids = [one.id for one in feedback]
    return AcceptedFeedback(ids, ids[0] if call.body.feedback is UNSET else UNSET)


async def get_feedback(call: Call[FeedbackPath, None, None]) -> RecordedFeedback | WaitingFeedback | DeadFeedback:
    """The outcome, read from all three tables in one snapshot, since feedback moves between them."""
    feedback = call.path.id
    async with read_snapshot(call.context.pool, index_only=True) as connection:
        recorded = await find_statement(connection, feedback)
        if recorded is not None:
            latest = await latest_statements(connection, [recorded.statement.place])
            return _recorded(recorded, superseded_by(recorded, latest))
        row = await waiting_feedback(connection, feedback)
        if row is not None:
            return _waiting(feedback, row)
        row = await dead_feedback(connection, feedback)
    if row is None:
        raise ProblemError(
            "not-found", "There is no such feedback: none was sent with this id, or it hasn't been read yet."
        )
    redriven_at = row["redriven_at"] and row["redriven_at"].isoformat()
    return DeadFeedback(feedback, row["id"], row["reason"], row["error"], row["at"].isoformat(), redriven_at)


def _feedback(
    given: FeedbackItem, place: Place | None, label: str | None, caller: Caller, served: dict[Place, Via]
) -> Feedback:
    via: Via = "volunteer" if place is None or given.via == "volunteer" else served[place]
    reviewer = reviewer_of(caller, given.reviewer)
    return Feedback(given.id or str(uuid.uuid4()), label, place, given.record, reviewer, via, given.comment)


def _read(given: Sequence[FeedbackItem], *, alone: bool) -> tuple[list[Place | None], list[str | None]]:
    """The place (None: named by record) and the label of each item. Unusable fields are a problem that names them."""
    places, labels, faults = [], [], []
    twice = {name for name, count in Counter(one.id for one in given).items() if name is not None and count > 1}
    for i, one in enumerate(given):
        at = "" if alone else f"feedback[{i}]."
        for name in ("id", "record", "reviewer", "comment"):
            if fault := text_fault(getattr(one, name)):
                faults.append(FieldFault(at + name, fault))
        if one.id in twice:
            faults.append(FieldFault(f"{at}id", f"{one.id!r} is given twice"))
        try:
            places.append(None if one.prediction is None else parse_place(one.prediction))
            labels.append(None if one.label is None else read_label(one.label))
        except BadIdentity as exc:
            faults.append(FieldFault(f"{at}prediction", str(exc)))
        except BadMessage as exc:
            faults.append(FieldFault(f"{at}label", exc.detail))
    if faults:
        raise invalid_fields(faults)
    return places, labels


def _recorded(recorded: RecordedStatement, instead: RecordedStatement | None) -> RecordedFeedback:
    one = recorded.statement
    return RecordedFeedback(
        recorded.feedback,
        str(one.place),
        one.predicted,
        one.label,
        one.reviewer,
        one.via,
        recorded.comment,
        recorded.record,
        recorded.sent.at.isoformat(),
        recorded.stored_at.isoformat(),
        None if instead is None else instead.feedback,
    )


def _waiting(feedback: str, row: Any) -> WaitingFeedback:
    message = decode_feedback(row["value"])
    named = None if message.prediction is None else str(message.prediction), message.record
    times = row["sent_at"].isoformat(), row["since"].isoformat()
    return WaitingFeedback(feedback, *named, message.label, message.reviewer, message.via, *times)


HANDLERS: Handlers = {"create_feedback": create_feedback, "get_feedback": get_feedback}
