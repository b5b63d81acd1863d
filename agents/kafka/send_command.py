"""Sending one command to the retrain role. The job with the command's id has the outcome."""

from __future__ import annotations

import time
import uuid

from relearn.agents.kafka.producer import KafkaProducer
from relearn.schemas.messages.commands import CE_TYPE, Command, Verb, encode_command
from relearn.schemas.messages.headers import cloud_event
from relearn.schemas.text import check_text
from relearn.schemas.topics import topic_name


def manual_command(
    verb: Verb, version: int | None = None, *, by: str | None, job: str | None = None, force: bool = False
) -> Command:
    """A command of a person or program, named in `by`. Its id is new unless `job` gives it.

    Raises:
        BadMessage: the name is no text that a row can hold.
    """
    return Command(job or str(uuid.uuid4()), verb, {"trigger": "manual"}, version, check_text(by, "by"), force)


async def send_command(producer: KafkaProducer, namespace: str, command: Command, *, source: str) -> None:
    """Return when the broker has acknowledged `command`. `source`: the sender in CloudEvents headers.

    Raises:
        KafkaUnavailable: the acknowledgement is missing; the command may have arrived.
        SetupError: there is no topic for it, or no right to write to it.
        RejectedMessage: it is too large.
    """
    topic = topic_name(namespace, "commands")
    headers = cloud_event(CE_TYPE, source, now_s=time.time(), event_id=command.id)
    await (await producer.send(topic, encode_command(command), headers=headers))
