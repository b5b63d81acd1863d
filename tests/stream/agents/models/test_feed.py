"""The model feed on a real topic: what is caught up, what is refused, and what a broker's restart changes: nothing."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace

import pytest
from confluent_kafka import Producer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from relearn.agents.kafka.config import librdkafka_config
from relearn.agents.kafka.topics import admin_client, create_topics
from relearn.agents.models import feed as feed_module
from relearn.agents.models.feed import FeedMessage, ModelFeed, model_updates
from relearn.agents.models.live import LiveModel
from relearn.agents.models.publish import Fenced, UpdatesTopic
from relearn.agents.models.signing_keys import load_signer, load_verifier
from relearn.agents.models.swapper import Swapper
from relearn.schemas.errors import TooLarge
from relearn.schemas.model.signatures import Signer, key_id_of
from relearn.schemas.model.signed_updates import Update, encode_update
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from relearn.scripts.embedded.keys import ensure_pair
from tests.support.data.models import a_model
from tests.support.data.retrains import put
from tests.support.servers.embedded import Servers
from tests.support.servers.topic_limits import set_max_bytes
from tests.support.servers.topics import Topic
from tests.support.waiting import DEADLINE_S, eventually


@pytest.fixture
def signed(migrated: Settings) -> Settings:
    ensure_pair(migrated.keys_dir)
    return migrated


def _message(settings: Settings, activation: int, version: int = 1, d: int = 4) -> bytes:
    model = a_model(version, d=d, seed=version)
    return encode_update(
        Update(settings.namespace, "champion", activation, model, None, {}, 0.0), load_signer(settings)
    )


def _champion(settings: Settings, value: bytes | None) -> None:
    put(settings, "model-updates", value, b"champion")


async def _follow(settings: Settings, feed: ModelFeed) -> None:
    async with aclosing(model_updates(settings)) as events:
        async for event in events:
            feed.take(event)


@asynccontextmanager
async def _reading(settings: Settings) -> AsyncIterator[tuple[ModelFeed, LiveModel]]:
    """A process that reads the feed while the block runs."""
    live = LiveModel()
    feed = ModelFeed(Swapper(live, load_verifier(settings), settings.namespace))
    task = asyncio.create_task(_follow(settings, feed))
    try:
        yield feed, live
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _until(condition: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, otherwise
        await asyncio.sleep(0.02)


async def _caught_up(feed: ModelFeed) -> None:
    async with asyncio.timeout(DEADLINE_S):
        await feed.caught_up.wait()


def _on(live: LiveModel) -> tuple[int, int] | None:
    return None if live.current is None else (live.current.activation, live.current.model.version)


async def test_an_empty_topic_is_caught_up_without_a_model(signed: Settings) -> None:
    async with _reading(signed) as (feed, live):
        await _caught_up(feed)
        assert live.current is None


async def test_whoever_starts_late_has_the_champion_when_it_is_caught_up(signed: Settings) -> None:
    """The topic ends with a transaction's marker, and another one was aborted: no record stands at its end."""
    topic = UpdatesTopic(signed, "/tests")
    await topic.publish(b"champion", _message(signed, 1, 1))
    await topic.publish(b"champion", _message(signed, 2, 2))
    topic.close()
    aborted = Producer({**librdkafka_config(signed), "transactional.id": f"{signed.namespace}.aborted"})
    aborted.init_transactions(30)
    aborted.begin_transaction()
    aborted.produce(topic_name(signed.namespace, "model-updates"), _message(signed, 9, 9), b"champion")
    assert aborted.flush(30) == 0
    aborted.abort_transaction(30)
    async with _reading(signed) as (feed, live):
        await _caught_up(feed)
        assert _on(live) == (2, 2)
        assert feed.latest[b"champion"] == _message(signed, 2, 2)
        assert feed.swapper.refused == {}


async def test_what_must_not_go_live_is_counted_and_leaves_the_model_as_it_is(signed: Settings) -> None:
    stranger = Ed25519PrivateKey.generate()
    forger = Signer(key_id_of(stranger.public_key()), stranger)
    good = Update(signed.namespace, "champion", 9, a_model(9), None, {}, 0.0)
    hostile = [
        (b"not a model", "unreadable"),
        (None, "unreadable"),
        (encode_update(good, forger), "signature"),
        (encode_update(good, Signer(load_signer(signed).key_id, stranger)), "signature"),
        (encode_update(replace(good, namespace="other"), load_signer(signed)), "namespace"),
        (_message(signed, 9, 9, d=5), "shape"),
        (_message(signed, 4, 3), "stale"),
        (_message(signed, 5, 3), "stale"),
    ]
    _champion(signed, _message(signed, 5, 2))
    async with _reading(signed) as (feed, live):
        await _caught_up(feed)
        for value, _ in hostile:
            _champion(signed, value)
        none = Update(signed.namespace, "none", 10, None, None, {}, 0.0)
        put(signed, "model-updates", encode_update(none, load_signer(signed)), b"shadow")
        await _until(lambda: feed.swapper.refused.total() >= len(hostile), "not everything was read")
        assert _on(live) == (5, 2)
        wanted = {reason: [one for _, one in hostile].count(reason) for _, reason in hostile}
        assert feed.swapper.refused == wanted
        _champion(signed, _message(signed, 6, 1))
        await _until(lambda: _on(live) == (6, 1), "a lower version under a higher activation didn't go live")


async def test_the_champion_published_again_is_no_refusal(signed: Settings) -> None:
    _champion(signed, _message(signed, 1))
    _champion(signed, _message(signed, 1))
    async with _reading(signed) as (feed, live):
        await _caught_up(feed)
        assert (_on(live), feed.swapper.refused.total()) == ((1, 1), 0)


async def test_a_topic_made_anew_is_read_from_its_start(signed: Settings) -> None:
    for activation in range(1, 6):
        _champion(signed, _message(signed, activation))
    async with _reading(signed) as (feed, live):
        await _caught_up(feed)
        name, admin = topic_name(signed.namespace, "model-updates"), admin_client(signed)
        admin.delete_topics([name])[name].result(30)

        def made() -> bool:
            return name in asyncio.run(create_topics(signed))

        await asyncio.to_thread(eventually, made, "the topic can't be made again")
        _champion(signed, _message(signed, 7, 7))
        await _until(lambda: _on(live) == (7, 7), "the new topic isn't read")
        await _until(lambda: feed.readings > 1 and feed.complete, "the feed did not notice that the topic is new")
        assert feed.latest[b"champion"] == _message(signed, 7, 7)


async def test_deleted_messages_are_no_longer_the_latest(signed: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model stays live. The retrain worker sees that the topic has no champion, and publishes it again."""
    monkeypatch.setattr(feed_module, "_CHECK_EVERY_S", 0.1)
    for activation in (1, 2):
        _champion(signed, _message(signed, activation))
    async with _reading(signed) as (feed, live):
        await _caught_up(feed)
        topic = Topic(signed, "model-updates")
        # Kafka deletes no records of a topic that is compacted alone.
        await asyncio.to_thread(topic.configure, "cleanup.policy", "compact,delete")
        await asyncio.to_thread(topic.delete_records, p0=2)
        await _until(lambda: feed.readings > 1 and feed.complete, "the feed did not notice that messages were deleted")
        assert (_on(live), feed.latest, feed.position) == ((2, 1), {}, 2)
        _champion(signed, _message(signed, 3))
        await _until(lambda: _on(live) == (3, 1), "the topic isn't read on")


async def test_a_broker_that_comes_back_is_read_on(signed: Settings, servers: Servers) -> None:
    _champion(signed, _message(signed, 1))
    with servers.kafka.away():
        async with _reading(signed) as (feed, live):
            assert not feed.caught_up.is_set()
            await asyncio.to_thread(servers.kafka.start)
            await _caught_up(feed)
            assert _on(live) == (1, 1)
            await asyncio.to_thread(servers.kafka.kill)
            await asyncio.to_thread(servers.kafka.start)
            _champion(signed, _message(signed, 2, 2))
            await _until(lambda: _on(live) == (2, 2), "nothing comes after the broker's restart")


async def test_a_model_that_the_topic_does_not_take_is_refused_and_the_next_one_is_published(signed: Settings) -> None:
    topic = UpdatesTopic(signed, "/publisher")
    await topic.publish(b"champion", _message(signed, 1))
    await asyncio.to_thread(set_max_bytes, signed, "model-updates", 300)
    with pytest.raises(TooLarge):
        await topic.publish(b"champion", _message(signed, 2))
    await asyncio.to_thread(set_max_bytes, signed, "model-updates", 1_000_000)
    assert await topic.publish(b"champion", _message(signed, 3)) > 0
    topic.close()


async def test_whoever_published_before_is_fenced(signed: Settings) -> None:
    """A zombie's message never reaches the topic."""
    zombie, successor = UpdatesTopic(signed, "/zombie"), UpdatesTopic(signed, "/successor")
    await zombie.publish(b"champion", _message(signed, 1))
    await successor.publish(b"champion", _message(signed, 2))
    with pytest.raises(Fenced):
        await zombie.publish(b"champion", _message(signed, 3))
    await successor.publish(b"champion", _message(signed, 4))
    successor.close()
    found = []
    async with aclosing(model_updates(signed)) as events:
        async for event in events:
            if isinstance(event, FeedMessage):
                found.append(event.value)
            if len(found) == 3:
                break
    assert found == [_message(signed, activation) for activation in (1, 2, 4)]


async def test_a_process_that_ends_cancels_it_repeatedly_and_no_connection_is_left(signed: Settings) -> None:
    """An unclosed connection is a warning when it is collected, and so an error."""
    _champion(signed, _message(signed, 1))
    for turns in range(1, 40, 3):
        feed = ModelFeed(Swapper(LiveModel(), load_verifier(signed), signed.namespace))
        task = asyncio.create_task(_follow(signed, feed))
        if turns % 2:
            await _caught_up(feed)
        for _ in range(turns):
            await asyncio.sleep(0)
        while not task.done():
            task.cancel()
            await asyncio.sleep(0)
    gc.collect()
