"""What tests of feedback share: statements as they come from Kafka, messages sent, and the rows that come of them."""

from __future__ import annotations

from typing import Any

from confluent_kafka import Producer

from relearn.agents.kafka.config import librdkafka_config
from relearn.agents.stores.postgres import Pool
from relearn.schemas.identity import parse_place
from relearn.schemas.messages.feedback import Feedback, ReceivedFeedback, encode_feedback
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from tests.support.data.messages import FakeMessage

TOPIC = "feedback"
#: When the first statement of a test was appended, in ms since the epoch.
APPENDED_MS = 1_790_000_000_000


def feedback(feedback_id: str, label: str | None = "1", *, prediction: str | None = None, **given: Any) -> Feedback:
    """A statement; `prediction` as text, `0-3-0`."""
    place = None if prediction is None else parse_place(prediction)
    return Feedback(feedback_id, label, place, **given)


def statement(
    said: Feedback, offset: int = 0, *, partition: int = 0, ms: int | None = None, **given: Any
) -> ReceivedFeedback:
    """It as it came from Kafka, appended `ms` after the first of all (its offset, where none is given)."""
    after_ms = offset if ms is None else ms
    message = FakeMessage(
        encode_feedback(said), offset, partition, topic=TOPIC, timestamp=APPENDED_MS + after_ms, **given
    )
    return ReceivedFeedback(said, 0, message)


def send(settings: Settings, *said: Feedback | bytes, partition: int = 0) -> None:
    """Send feedback, or whatever these bytes are, one message each; in order, and acknowledged."""
    producer = Producer({**librdkafka_config(settings), "enable.idempotence": True})
    for one in said:
        value = one if isinstance(one, bytes) else encode_feedback(one)
        producer.produce(topic_name(settings.namespace, "feedback"), value, partition=partition)
    assert producer.flush(30) == 0


async def corrections(pool: Pool) -> list[dict[str, Any]]:
    """Every row of `corrections`, in the order of its id."""
    return [dict(row) for row in await pool.fetch("SELECT * FROM corrections ORDER BY id")]


async def waiting(pool: Pool) -> list[str]:
    """The ids of the feedback that waits."""
    return [row["feedback"] for row in await pool.fetch("SELECT feedback FROM waiting_feedback ORDER BY feedback")]
