"""Writes while Kafka is away or full: rejected with an error, not sent later, and working again afterwards."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from relearn.agents.kafka.producer import OutgoingMessage, Receipt
from relearn.api.http.problems import ProblemError
from relearn.api.writes.outbox import Outbox
from relearn.schemas.errors import KafkaUnavailable, TooLarge
from relearn.schemas.messages.feedback import decode_feedback
from relearn.schemas.topics import topic_name
from tests.support.api.client import Client
from tests.support.data.blocks import block_of
from tests.support.data.models import a_model
from tests.support.data.rows import messages
from tests.support.data.stored import store
from tests.support.servers.embedded import Servers
from tests.support.servers.topic_limits import set_max_bytes
from tests.support.waiting import eventually_async

ROWS = {"features": [[1, 2, 3, 4]]}


async def answers(client: Client, feedback_id: str) -> list[tuple[int, Any, str | None]]:
    """Status, body and `Retry-After` of one concurrent write of each kind; the id is their `Idempotency-Key` too."""
    said = {"id": feedback_id, "prediction": "0-0-0", "label": "1"}
    key = {"Idempotency-Key": feedback_id}
    writes = (
        ("POST", "/v1/batches", ROWS),
        ("POST", "/v1/feedback", said),
        ("PATCH", "/v1/batches/b", {"confirm_rest": True}),
    )

    async def ask(method: str, path: str, body: Any) -> tuple[int, Any, str | None]:
        async with client.http.request(method, path, json=body, headers=key) as response:
            return response.status, await response.json(content_type=None), response.headers.get("Retry-After")

    return list(await asyncio.gather(*(ask(*write) for write in writes)))


async def all_taken(client: Client, feedback_id: str) -> bool:
    return [status for status, _, _ in await answers(client, feedback_id)] == [202] * 3


async def said(client: Client) -> Counter[str]:
    """The number of messages on `feedback` by id."""
    found = await asyncio.to_thread(messages, client.settings, "feedback")
    return Counter(decode_feedback(one.value()).id for one in found)


@pytest.fixture
async def stored(client: Client) -> Client:
    """A client whose server has a model, and one record of batch `b` in Postgres."""
    client.serve(a_model())
    await store(client.context.pool, block_of(1, batches=["b"]))
    return client


async def test_writes_are_refused_and_not_made_up_for_later(stored: Client, servers: Servers) -> None:
    assert await all_taken(stored, "before")
    with servers.kafka.away():
        await answers(stored, "again")
        for status, problem, retry_after in await answers(stored, "away"):
            assert (status, problem["type"], retry_after) == (503, "urn:relearn:problem:unavailable", "1")
            assert "taken" not in problem
    await eventually_async(lambda: all_taken(stored, "after"), "writes are still refused")
    assert await all_taken(stored, "again"), "a key isn't free again"
    found = await said(stored)
    assert [found[one] for one in ("before", "away", "again")] == [1, 0, 1]
    assert stored.context.outbox.in_flight_bytes == 0


async def test_a_broker_that_hangs_may_have_what_it_did_not_acknowledge_but_once(
    stored: Client, servers: Servers
) -> None:
    assert await all_taken(stored, "before")
    with servers.kafka.hung():
        assert [status for status, _, _ in await answers(stored, "hung")] == [503] * 3
        assert [status for status, _, _ in await answers(stored, "hung-2")] == [503] * 3
    await eventually_async(lambda: all_taken(stored, "after"), "writes are still refused")
    found = await said(stored)
    assert found["before"] == 1
    assert found["hung"] <= 1
    assert found["hung-2"] <= 1


def no_news(topic: str, receipt: Receipt) -> None:
    """Ignores acknowledgements."""


async def test_what_is_in_flight_is_bounded_and_counted_until_it_is_given_up(client: Client, servers: Servers) -> None:
    topic = topic_name(client.settings.namespace, "feedback")
    outbox = Outbox(client.context.producer, client.context.limits, "/tests", no_news, limit_bytes=10_000)
    assert isinstance((await outbox.send(topic, [OutgoingMessage(b"x", "test")]))[0], Receipt)
    with servers.kafka.hung():
        first = asyncio.ensure_future(outbox.send(topic, [OutgoingMessage(b"x" * 6_000, "test")]))
        await eventually_async(lambda: outbox.in_flight_bytes > 6_000, "it isn't handed over")
        with pytest.raises(ProblemError) as full:
            await outbox.send(topic, [OutgoingMessage(b"x" * 1_000, "test")] * 3)
        assert (full.value.kind, dict(full.value.headers)) == ("too-many-requests", {"Retry-After": "1"})
        with pytest.raises(ProblemError) as never:
            await outbox.send(topic, [OutgoingMessage(b"x" * 10_000, "test")])
        assert never.value.kind == "too-large"
        (outcome,) = await first
        assert isinstance(outcome, KafkaUnavailable)
        await eventually_async(lambda: outbox.in_flight_bytes == 0, "it is never given up")


async def test_of_a_write_that_broke_off_it_is_told_what_is_there(client: Client) -> None:
    """One message fits on the topic, the other doesn't, by a limit that was lowered just now: the first arrives."""
    topic = topic_name(client.settings.namespace, "feedback")
    await client.context.limits.of(topic)
    await asyncio.to_thread(set_max_bytes, client.settings, "feedback", 5_000)
    large = [OutgoingMessage(b"x" * size, "test") for size in (10, 20_000)]
    there, refused = await client.context.outbox.send(topic, large)
    assert isinstance(there, Receipt)
    assert isinstance(refused, TooLarge)


async def test_a_message_that_its_topic_does_not_take_is_refused_before_any_is_sent(client: Client) -> None:
    topic = topic_name(client.settings.namespace, "feedback")
    with pytest.raises(TooLarge, match=f"topic {topic} takes at most 1,048,588"):
        await client.context.outbox.send(topic, [OutgoingMessage(b"x" * size, "test") for size in (10, 2_000_000)])
    assert client.context.outbox.in_flight_bytes == 0
