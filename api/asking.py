"""What a request asks of the retrain role: a command, acknowledged before the answer."""

from __future__ import annotations

from typing import Any

from agents.ask import ask, by_hand
from api.call import Call
from schemas.commands import Verb
from schemas.http.operation import Accepted

#: Whoever writes is answered within that, which is sooner than librdkafka always gives up.
PATIENCE_S = 1.8


async def accepted(call: Call[Any, Any, Any], verb: Verb, version: int | None = None) -> Accepted:
    """Send the command in the caller's name; the job of the same id tells what comes of it.

    Raises:
        KafkaUnavailable, SetupError: it isn't known to be sent.
    """
    command, context = by_hand(verb, version, by=call.caller.name), call.context
    await ask(context.publisher, context.settings.namespace, command, source=context.source, patience_s=PATIENCE_S)
    return Accepted(command.id)
