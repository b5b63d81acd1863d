"""Sending one command to the retrain role. The job with the command's id has the outcome."""

from __future__ import annotations

import time
import uuid

from confluent_kafka import KafkaException

from relearn.agents.kafka.producer import KafkaProducer, missing_topic
from relearn.schemas.errors import KafkaUnavailable
from relearn.schemas.messages.commands import CE_TYPE, Command, Verb, encode_command
from relearn.schemas.messages.headers import cloud_event
from relearn.schemas.topics import topic_name


def manual_command(verb: Verb, version: int | None = None, *, by: str | None, job: str | None = None) -> Command:
    """A command of a person or program, named in `by`. Its id is new unless `job` gives it."""
    return Command(job or str(uuid.uuid4()), verb, {"trigger": "manual"}, version, by)


async def send_command(producer: KafkaProducer, namespace: str, command: Command, *, source: str) -> None:
    """Return when the broker has acknowledged `command`. `source`: the sender in CloudEvents headers.

    Raises:
        KafkaUnavailable: the acknowledgement is missing; the command may have arrived.
        SetupError: there is no topic for it.
    """
    topic = topic_name(namespace, "commands")
    headers = cloud_event(CE_TYPE, source, now_s=time.time(), event_id=command.id)
    try:
        await (await producer.send(topic, encode_command(command), headers=headers))
    except KafkaException as exc:
        error = exc.args[0]
        raise missing_topic(error, topic) or KafkaUnavailable(f"Kafka didn't take the command: {error.str()}") from exc
