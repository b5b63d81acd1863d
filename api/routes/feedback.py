"""Feedback: sent to Kafka, and its outcome by id."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from relearn.agents.stores.postgres import read_snapshot
from relearn.api.http.call import Call, Caller, Handlers
from relearn.api.http.problems import ProblemError, invalid_fields
from relearn.api.queries.feedback import (
    FoundFeedback,
    RecordedStatement,
    find_feedback,
    latest_statements,
    superseded_by,
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
    FeedbackQuery,
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
        _feedback(_with_id(one, call.write_id, number), place, label, call.caller, served)
        for number, (one, place, label) in enumerate(zip(given, places, labels, strict=True))
    ]
    await send_feedback(call.context, feedback, call.caller.client)
    ids = [one.id for one in feedback]
    return AcceptedFeedback(ids, ids[0] if call.body.feedback is UNSET else UNSET)


async def get_feedback(
    call: Call[FeedbackPath, FeedbackQuery, None],
) -> RecordedFeedback | WaitingFeedback | DeadFeedback:
    """The outcome, read from all three tables in one snapshot, since feedback moves between them."""
    feedback = call.path.id
    async with read_snapshot(call.context.pool, index_only=True) as connection:
        found = await find_feedback(connection, feedback)
        one = _chosen(found, call)
        if one.recorded is None:
            return _waiting(feedback, one.row) if one.waits else _dead(feedback, one.row)
        latest = await latest_statements(connection, [one.recorded.statement.place])
    return _recorded(one.recorded, superseded_by(one.recorded, latest))


def _chosen(found: Sequence[FoundFeedback], call: Call[FeedbackPath, FeedbackQuery, None]) -> FoundFeedback:
    """The only feedback of this id, the caller's own, or that of the reviewer whom the query names."""
    reviewer = call.query.reviewer
    if reviewer is not None:
        found = [one for one in found if one.reviewer == reviewer]
    elif call.caller.key_id is not None:
        found = [one for one in found if one.scope == f"key:{call.caller.key_id}"] or found
    if not found:
        raise ProblemError(
            "not-found", "There is no such feedback: none was sent with this id, or it hasn't been read yet."
        )
    if len(found) > 1:
        raise ProblemError("conflict", f"{len(found)} senders used this id: name one with the parameter `reviewer`.")
    return found[0]


def _dead(feedback: str, row: Any) -> DeadFeedback:
    redriven_at = row["redriven_at"] and row["redriven_at"].isoformat()
    return DeadFeedback(feedback, row["id"], row["reason"], row["error"], row["at"].isoformat(), redriven_at)


def _with_id(given: FeedbackItem, write_id: uuid.UUID | None, number: int) -> FeedbackItem:
    """The item with an id: its own, or one that is the same in a repeated request."""
    if given.id is not None or write_id is None:
        return given
    return msgspec.structs.replace(given, id=str(uuid.uuid5(write_id, str(number))))


def _feedback(
    given: FeedbackItem, place: Place | None, label: str | None, caller: Caller, served: dict[Place, Via]
) -> Feedback:
    via: Via = "volunteer" if place is None or given.via == "volunteer" else served[place]
    reviewer = reviewer_of(caller, given.reviewer)
    return Feedback(
        given.id or str(uuid.uuid4()), label, place, given.record, reviewer, via, given.comment, caller.key_id
    )


def _read(given: Sequence[FeedbackItem], *, alone: bool) -> tuple[list[Place | None], list[str | None]]:
    """The place (None: named by record) and the label of each item. Unusable fields are a problem that names them."""
    places, labels, faults = [], [], []
    twice = {key for key, count in Counter((one.id, one.reviewer) for one in given).items() if key[0] and count > 1}
    for i, one in enumerate(given):
        at = "" if alone else f"feedback[{i}]."
        for name in ("id", "record", "reviewer", "comment"):
            if fault := text_fault(getattr(one, name)):
                faults.append(FieldFault(at + name, fault))
        if (one.id, one.reviewer) in twice:
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
