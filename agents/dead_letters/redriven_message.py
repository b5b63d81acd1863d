"""The message that sends a dead letter again: the record at fault alone, with a header of its former place. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

from relearn.agents.dead_letters.extract import WHOLE, extract_record
from relearn.agents.stores.dead_letters import DeadLetterRow, Original
from relearn.schemas.errors import Refused
from relearn.schemas.identity import Place
from relearn.schemas.messages import feedback, predictions
from relearn.schemas.messages.headers import WRITE_KEY, Headers, cloud_event
from relearn.schemas.messages.ingest import CE_TYPE_MANY, CE_TYPE_ONE
from relearn.schemas.messages.weight import FRAMED_FIRST_BYTE
from relearn.schemas.topics import topic_name

HEADER = "redrive-of"


class RedrivenMessage(NamedTuple):
    """A message for the topic that the letter's message came from."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers


def redriven_message(
    row: DeadLetterRow, original: Original, message: Mapping[Any, Any] | None, *, namespace: str, now_s: float
) -> RedrivenMessage:
    """The message for one letter. `message`: the map in the original's value, None if there is none.

    A record from a message of many is sent alone, so that the other records are not scored twice. It has a write
    key of its own: a letter that is sent twice, since the first acknowledgement was lost, is stored once.

    Raises:
        Refused: no message is redriven to the topic that it came from. A command would be executed long after it was
            given, in the name of another person.
    """
    if row.topic == topic_name(namespace, "commands"):
        raise Refused("commands aren't sent again; give the command once more, with `relearn model` or the API")
    value = original.value
    one = None if value is None or message is None else extract_record(message, value, row.index, row.reason)
    many = one is None and message is not None and message.get("n") is not None
    kinds = {
        topic_name(namespace, "ingest"): CE_TYPE_MANY if many else CE_TYPE_ONE,
        topic_name(namespace, "predictions"): predictions.CE_TYPE,
        topic_name(namespace, "feedback"): feedback.CE_TYPE,
    }
    if row.topic not in kinds:
        raise Refused(f"nothing is sent to {row.topic} again")
    if value and value[0] == FRAMED_FIRST_BYTE and row.index > 0 and row.reason not in WHOLE:
        raise Refused("its message is in a schema registry's framing and has other records: its producer can send it")
    event = cloud_event(kinds[row.topic], f"/{namespace}/dlq", now_s=now_s)
    own = {HEADER, WRITE_KEY}
    kept = [(name, text.encode()) for name, text in original.headers if not name.startswith("ce_") and name not in own]
    headers = [*kept, *event, (HEADER, str(place_of(row)).encode())]
    if row.topic == topic_name(namespace, "ingest"):
        # Not the original's key, under which the other records of the message are stored.
        headers.append((WRITE_KEY, str(uuid.uuid5(uuid.NAMESPACE_URL, f"relearn:redrive:{place_of(row)}")).encode()))
    return RedrivenMessage(row.topic, original.key, value if one is None else one, headers)


def place_of(row: DeadLetterRow) -> Place:
    """The place of the record."""
    return Place(row.generation, row.partition, row.offset, row.index)
