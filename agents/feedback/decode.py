"""What the feedback role can read of its topic's messages; what it can't is rejected, message by message. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from relearn.schemas.errors import BadMessage
from relearn.schemas.messages.feedback import Feedback, decode_feedback
from relearn.schemas.messages.records import Fault, RawMessage, Reject


@dataclass(frozen=True, slots=True)
class Incoming:
    """What somebody said, and the message of `feedback` that said it, with the generation of the topic it stands in.

    What is learned from is this as a row, `agents.learning.reviews.Statement`.
    """

    feedback: Feedback
    generation: int
    message: RawMessage

    @property
    def sent(self) -> tuple[float, int, int]:
        """Kafka's order: append time in seconds since the epoch, partition, offset."""
        return self.message.timestamp / 1000.0, self.message.partition, self.message.offset


def decode_feedback_messages(messages: Iterable[RawMessage], generation: int) -> tuple[list[Incoming], list[Reject]]:
    """The statements in these messages of `feedback`, and what is wrong with those that hold none."""
    statements, rejects = [], []
    for message in messages:
        try:
            feedback = decode_feedback(message.value)
        except BadMessage as exc:
            rejects.append(Reject(message, Fault(exc.index, exc.reason, exc.detail)))
        else:
            statements.append(Incoming(feedback, generation, message))
    return statements, rejects
