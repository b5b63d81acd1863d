"""What people and programs say of predictions."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence

from msgspec import UNSET

from relearn.api.http.call import Call, Caller, Handlers
from relearn.api.http.problems import wrong_fields
from relearn.api.review.served_via import served_via
from relearn.api.writes.feedback import reviewer_of, say
from relearn.schemas.errors import BadIdentity, BadMessage
from relearn.schemas.http.feedback import AcceptedFeedback, FeedbackBody, FeedbackItem
from relearn.schemas.http.problems import FieldFault
from relearn.schemas.identity import Place, parse_place
from relearn.schemas.messages.feedback import Feedback, Via, read_label
from relearn.schemas.text import text_fault


async def post_feedback(call: Call[None, None, FeedbackBody]) -> AcceptedFeedback:
    """All of them, or a failure that says which were taken."""
    given = call.body.statements()
    places, labels = _read(given, alone=call.body.feedback is UNSET)
    known = [place for place in places if place is not None]
    served = dict(zip(known, await served_via(call.context.redis, call.context.settings.namespace, known), strict=True))
    said = [
        _feedback(one, place, label, call.caller, served)
        for one, place, label in zip(given, places, labels, strict=True)
    ]
    await say(call.context, said)
    ids = [one.id for one in said]
    return AcceptedFeedback(ids, ids[0] if call.body.feedback is UNSET else UNSET)


def _feedback(
    given: FeedbackItem, place: Place | None, label: str | None, caller: Caller, served: dict[Place, Via]
) -> Feedback:
    via: Via = "volunteer" if place is None or given.via == "volunteer" else served[place]
    reviewer = reviewer_of(caller, given.reviewer)
    return Feedback(given.id or str(uuid.uuid4()), label, place, given.record, reviewer, via, given.comment)


def _read(given: Sequence[FeedbackItem], *, alone: bool) -> tuple[list[Place | None], list[str | None]]:
    """What each is about, and its label as the text that it is; what can't be used is a failure that names it."""
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
            labels.append(read_label(one.label))
        except BadIdentity as exc:
            faults.append(FieldFault(f"{at}prediction", str(exc)))
        except BadMessage as exc:
            faults.append(FieldFault(f"{at}label", exc.detail))
    if faults:
        raise wrong_fields(faults)
    return places, labels


HANDLERS: Handlers = {"create_feedback": post_feedback}
