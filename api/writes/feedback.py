"""What callers say, as messages of the `feedback` topic: under whose name, in which order, acknowledged or not."""

from __future__ import annotations

from collections.abc import Sequence

from relearn.agents.kafka.producer import OutgoingMessage
from relearn.api.http.call import Caller
from relearn.api.http.context import Context
from relearn.api.http.problems import broken_off
from relearn.schemas.errors import RelearnError
from relearn.schemas.messages.feedback import CE_TYPE, Feedback, encode_feedback
from relearn.schemas.topics import topic_name


def reviewer_of(caller: Caller, given: str | None) -> str | None:
    """The name that a caller speaks under: the key's; while there are no keys, the one that is given."""
    return given if caller.key_id is None else caller.name


async def say(context: Context, statements: Sequence[Feedback]) -> None:
    """Return when the broker has all of them. What is said of one prediction stays in order: it is the key.

    Raises:
        Failure: not all of them are known to be there, or there is no room for them.
    """
    outgoing = [OutgoingMessage(encode_feedback(one), CE_TYPE, _key(one), one.id) for one in statements]
    outcomes = await context.outbox.send(topic_name(context.settings.namespace, "feedback"), outgoing)
    faults = [one for one in outcomes if isinstance(one, RelearnError)]
    if faults:
        pairs = zip(statements, outcomes, strict=True)
        raise broken_off(faults[0], [None if isinstance(what, RelearnError) else one.id for one, what in pairs])


def _key(said: Feedback) -> bytes:
    return (said.record or "" if said.prediction is None else str(said.prediction)).encode()
