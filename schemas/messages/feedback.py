"""The `feedback` topic's messages: a person's or program's statement about one prediction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import msgpack
import msgspec

from relearn.schemas.errors import BadIdentity, BadMessage
from relearn.schemas.identity import Place, parse_place
from relearn.schemas.labels import read_label
from relearn.schemas.messages.decoder import Decoder
from relearn.schemas.messages.records import Fault, RawMessage, Reject, check_readable
from relearn.schemas.text import check_text, text_fault

CE_TYPE = "relearn.feedback.v1"

#: How a record came to be reviewed. `audit`: chosen at random; `queue`: the model was least certain of it;
#: `disagree`: champion and shadow differ on it; `batch`: one of a whole batch that was reviewed; `volunteer`: other.
Via = Literal["audit", "queue", "disagree", "batch", "volunteer"]


@dataclass(frozen=True, slots=True)
class Feedback:
    """One statement. It names a prediction, or a record by the producer's own id, or both: then `prediction` counts.

    A `label` equal to the prediction's confirms it, another one corrects it, None takes this reviewer's review
    back. `id` makes it idempotent among the statements of one sender: `principal`, the id of an API key, or the
    reviewer where no key was needed.
    """

    id: str
    label: str | None
    prediction: Place | None = None
    record: str | None = None
    reviewer: str | None = None
    via: Via = "volunteer"
    comment: str | None = None
    principal: str | None = None

    @property
    def scope(self) -> str:
        """The sender among whose statements `id` is unique."""
        return scope_of(self.principal, self.reviewer)


def scope_of(principal: str | None, reviewer: str | None) -> str:
    """The sender of feedback: the id of its API key, or without a key the reviewer's name. As `corrections.scope`."""
    return f"reviewer:{reviewer or ''}" if principal is None else f"key:{principal}"


@dataclass(frozen=True, slots=True)
class ReceivedFeedback:
    """Feedback with the message of topic `feedback` that holds it, and the generation of that topic.

    Training reads it as a row of `corrections`, `agents.learning.reviews.Statement`.
    """

    feedback: Feedback
    generation: int
    message: RawMessage

    @property
    def sent(self) -> tuple[float, int, int]:
        """Where Kafka has it: append time in seconds since the epoch, partition, offset."""
        return self.message.timestamp / 1000.0, self.message.partition, self.message.offset

    @property
    def arrival(self) -> int | None:
        """The number of arrival of feedback that has waited for its prediction; None: it has just arrived."""
        return getattr(self.message, "arrival", None)


def in_order_of_arrival(received: Iterable[ReceivedFeedback]) -> list[ReceivedFeedback]:
    """What has waited, by its numbers; then what has just arrived, each partition in the order of offsets.

    Across partitions the append times decide, but never against the offsets of one: a broker's clock may be set back.
    """
    new = []
    latest: dict[int, float] = {}
    for one in sorted(received, key=lambda one: one.sent[1:]):
        at_s, partition, offset = one.sent
        latest[partition] = max(at_s, latest.get(partition, at_s))
        new.append(((one.arrival is None, one.arrival or 0, latest[partition], partition, offset), one))
    return [one for _, one in sorted(new, key=lambda pair: pair[0])]


class FeedbackWire(msgspec.Struct):
    """A message of `feedback` as it travels."""

    id: str
    label: str | int | float | msgspec.UnsetType | None = msgspec.UNSET
    prediction: str | None = None
    record: str | None = None
    reviewer: str | None = None
    via: Via | None = None
    comment: str | None = None
    principal: str | None = None


class _WithId(msgspec.Struct):
    id: str
    reviewer: object = None
    principal: object = None


_decoder = Decoder(FeedbackWire, "feedback")
_id_decoder = Decoder(_WithId, "feedback")


def encode_feedback(feedback: Feedback) -> bytes:
    """One message of the `feedback` topic."""
    message = {
        "id": feedback.id,
        "prediction": None if feedback.prediction is None else str(feedback.prediction),
        "record": feedback.record,
        "reviewer": feedback.reviewer,
        "via": feedback.via,
        "comment": feedback.comment,
        "principal": feedback.principal,
    }
    given = {name: value for name, value in message.items() if value is not None}
    return bytes(msgpack.packb({**given, "label": feedback.label}))


def decode_feedback(value: bytes | None) -> Feedback:
    """The feedback in one message.

    Raises:
        BadMessage: it can't be read, names no record, has no label (`null` is one), or a value that no row can hold.
    """
    wire = _decoder.read(value)
    if not wire.id:
        raise BadMessage("invalid", "`id` is empty")
    if wire.label is msgspec.UNSET:
        raise BadMessage("invalid", "there is no `label`; null takes the review back")
    texts = {"id": wire.id, "record": wire.record, "reviewer": wire.reviewer, "comment": wire.comment}
    texts["principal"] = wire.principal
    for name, text in texts.items():
        check_text(text, name)
    return Feedback(
        wire.id,
        None if wire.label is None else read_label(wire.label),
        _place(wire.prediction),
        _record(wire),
        wire.reviewer or None,
        wire.via or "volunteer",
        wire.comment,
        wire.principal or None,
    )


class FeedbackKey(NamedTuple):
    """What identifies a statement: its id, and the scope in which the id is unique."""

    id: str
    scope: str


def feedback_key(value: bytes | None) -> FeedbackKey | None:
    """The key of a message whose feedback may be unusable; None where the id can't be read either."""
    try:
        found = _id_decoder.read(value)
    except BadMessage:
        return None
    if text_fault(found.id) or not found.id:
        return None
    reviewer, principal = (
        text if isinstance(text, str) and text and not text_fault(text) else None
        for text in (found.reviewer, found.principal)
    )
    return FeedbackKey(found.id, Feedback(found.id, None, reviewer=reviewer, principal=principal).scope)


def _place(given: str | None) -> Place | None:
    if given is None:
        return None
    try:
        return parse_place(given)
    except BadIdentity as exc:
        raise BadMessage("invalid", f"`prediction`: {str(exc)[:200]}") from exc


def _record(wire: FeedbackWire) -> str | None:
    if wire.prediction is None and not wire.record:
        raise BadMessage("invalid", "neither `prediction` nor `record` is given")
    return wire.record or None


def decode_feedback_messages(
    messages: Iterable[RawMessage], generation: int
) -> tuple[list[ReceivedFeedback], list[Reject]]:
    """The feedback in these messages of topic `feedback`, and a reject for each message that can't be read."""
    received, rejects = [], []
    for message in messages:
        try:
            check_readable(message)
            feedback = decode_feedback(message.value)
        except BadMessage as exc:
            rejects.append(Reject(message, Fault(exc.index, exc.reason, exc.detail)))
        else:
            received.append(ReceivedFeedback(feedback, generation, message))
    return received, rejects
