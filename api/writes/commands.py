"""Commands to the retrain role, acknowledged by the broker before the response."""

from __future__ import annotations

from typing import Any

from relearn.agents.kafka.producer import OutgoingMessage
from relearn.agents.kafka.send_command import manual_command
from relearn.api.http.call import Call
from relearn.schemas.errors import RelearnError
from relearn.schemas.http.operation import AcceptedCommand
from relearn.schemas.messages.commands import CE_TYPE, Verb, encode_command
from relearn.schemas.topics import topic_name


async def send_command(
    call: Call[Any, Any, Any],
    verb: Verb,
    version: int | None = None,
    *,
    job: str | None = None,
    force: bool = False,
) -> AcceptedCommand:
    """Send a command in the caller's name. Its outcome is the job of the same id, once for an idempotency key.

    Raises:
        ProblemError: too much is in flight.
        KafkaUnavailable, SetupError: the command isn't acknowledged.
    """
    if job is None and call.write_id is not None:
        job = str(call.write_id)
    command, context = manual_command(verb, version, by=call.caller.name, job=job, force=force), call.context
    outgoing = OutgoingMessage(encode_command(command), CE_TYPE, event_id=command.id)
    topic = topic_name(context.settings.namespace, "commands")
    (outcome,) = await context.outbox.send(topic, [outgoing], client=call.caller.client)
    if isinstance(outcome, RelearnError):
        raise outcome
    return AcceptedCommand(command.id)
