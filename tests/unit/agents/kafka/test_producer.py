"""A delivery report becomes a receipt, or an error that names its cause."""

from __future__ import annotations

import asyncio

import pytest
from confluent_kafka import KafkaError, Message

from relearn.agents.kafka.producer import Receipt, receipt_of, settle
from relearn.schemas.errors import KafkaUnavailable, RejectedMessage, SetupError

TOO_LARGE = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)
AWAY = KafkaError(KafkaError._MSG_TIMED_OUT)


def settled(error: KafkaError | None, at: Receipt | None) -> asyncio.Future[Receipt]:
    receipt: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
    settle(receipt, error, at, "ns.ingest")
    return receipt


@pytest.mark.parametrize(("told", "offset"), [(7, 7), (-1001, None)])
async def test_a_message_that_the_broker_has_is_acknowledged_with_its_offset_or_without(
    told: int, offset: int | None
) -> None:
    """The broker answers a message that it got twice without the offset: that is no failure."""
    at = receipt_of(None, Message(topic="t", partition=2, offset=told))
    assert at == Receipt(2, offset)
    assert await settled(None, at) == (2, offset)


async def test_a_message_that_was_not_delivered_has_no_receipt() -> None:
    assert receipt_of(AWAY, Message(topic="t", partition=2, error=AWAY)) is None


async def test_a_broker_that_is_away_is_retryable_and_a_refusal_is_not() -> None:
    with pytest.raises(KafkaUnavailable):
        await settled(AWAY, None)
    with pytest.raises(RejectedMessage, match="too large"):
        await settled(TOO_LARGE, None)
    with pytest.raises(SetupError, match=r"there is no topic ns\.ingest; run `relearn migrate` first"):
        await settled(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART), None)


async def test_an_acknowledgement_without_any_place_is_an_error_of_its_own() -> None:
    """Never `KafkaException(None)`, which has no cause."""
    with pytest.raises(KafkaUnavailable, match="without its partition"):
        await settled(None, None)


async def test_a_receipt_that_nothing_waits_for_stays_cancelled() -> None:
    receipt: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
    receipt.cancel()
    settle(receipt, "t", None, Receipt(0, 0))
    assert receipt.cancelled()
