"""Feedback as messages of the `feedback` topic: reviewer, order, acknowledgement."""

from __future__ import annotations

from collections.abc import Sequence

from relearn.agents.kafka.producer import OutgoingMessage
from relearn.api.http.call import Caller
from relearn.api.http.context import Context
from relearn.api.http.problems import incomplete_write
from relearn.schemas.errors import RelearnError
from relearn.schemas.messages.feedback import CE_TYPE, Feedback, encode_feedback
from relearn.schemas.topics import topic_name


def reviewer_of(caller: Caller, given: str | None) -> str | None:
    """The reviewer of a caller's feedback: the API key's name, or the given one while there are no API keys."""
    return given if caller.key_id is None else caller.name


async def send_feedback(context: Context, feedback: Sequence[Feedback], client: str) -> None:
    """Send feedback and wait for all acknowledgements. The Kafka key, the prediction, keeps its feedback in order.

    Raises:
        ProblemError: not all messages are acknowledged, or too much is in flight.
    """
    outgoing = [OutgoingMessage(encode_feedback(one), CE_TYPE, _key(one), one.id) for one in feedback]
    outcomes = await context.outbox.send(topic_name(context.settings.namespace, "feedback"), outgoing, client=client)
    faults = [one for one in outcomes if isinstance(one, RelearnError)]
    if faults:
        pairs = zip(feedback, outcomes, strict=True)
        raise incomplete_write(
            faults[0], [None if isinstance(outcome, RelearnError) else one.id for one, outcome in pairs]
        )


def _key(one: Feedback) -> bytes:
    return (one.record or "" if one.prediction is None else str(one.prediction)).encode()
