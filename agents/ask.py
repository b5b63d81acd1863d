"""Asking the retrain role for something: one command, acknowledged by the broker. A job of its id tells the rest."""

from __future__ import annotations

import asyncio
import time
import uuid

from confluent_kafka import KafkaError, KafkaException

from agents.publish import Publisher
from schemas.commands import CE_TYPE, Command, Verb, encode_command
from schemas.errors import KafkaUnavailable, SetupError
from schemas.headers import cloud_event
from schemas.topics import topic_name

_NO_TOPIC = frozenset((KafkaError._UNKNOWN_TOPIC, KafkaError.UNKNOWN_TOPIC_OR_PART))


def by_hand(verb: Verb, version: int | None = None, *, by: str | None) -> Command:
    """A new command of a person's or a program's, who is named in `by`."""
    return Command(str(uuid.uuid4()), verb, {"trigger": "manual"}, version, by)


async def ask(
    publisher: Publisher, namespace: str, command: Command, *, source: str, patience_s: float | None = None
) -> None:
    """Return when the broker has `command`. `source`: the sender in CloudEvents headers.

    Args:
        patience_s: how long to wait for the broker's word; for as long as `publisher` does where it isn't given.

    Raises:
        KafkaUnavailable: it isn't known to have it.
        SetupError: there is no topic for it.
    """
    topic = topic_name(namespace, "commands")
    headers = cloud_event(CE_TYPE, source, now_s=time.time(), event_id=command.id)
    try:
        async with asyncio.timeout(patience_s):
            await (await publisher.send(topic, encode_command(command), headers=headers))
    except TimeoutError as exc:
        raise KafkaUnavailable("Kafka doesn't acknowledge in time") from exc
    except KafkaException as exc:
        error = exc.args[0]
        if error.code() in _NO_TOPIC:
            raise SetupError(f"there is no topic {topic}; run `relearn migrate` first") from exc
        raise KafkaUnavailable(f"Kafka didn't take the command: {error.str()}") from exc
