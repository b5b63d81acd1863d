"""What agents append to the stream of live events, after the database has committed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from relearn.agents.stores.dead_letters import store_dead_letters
from relearn.agents.stores.live.events import NOWHERE, EventLog, missed_entries, next_entries, stream_key
from relearn.agents.stores.live.heartbeats import send_heartbeat
from relearn.agents.stores.live.layout import Changes, Keys, read_counts
from relearn.agents.stores.redis import Redis, open_redis
from relearn.agents.worker.heartbeat import heartbeat
from relearn.agents.worker.state import WorkerState
from relearn.schemas.http.events import CorrectionEvent
from relearn.schemas.settings import Settings
from tests.stream.agents.stores.live.test_recent import changes, view_of
from tests.stream.agents.stores.test_dead_letters import letter
from tests.support.data.blocks import block_of
from tests.support.data.stored import store
from tests.support.servers.embedded import Servers
from tests.unit.agents.worker.test_heartbeat import App


async def told(redis: Redis, settings: Settings) -> list[tuple[str, Any]]:
    """Everything that stands in the stream: types and data."""
    found = await redis.xrange(stream_key(settings.namespace))
    return [(fields["type"], msgspec.json.decode(fields["data"])) for _, fields in found]


def said(feedback: str) -> CorrectionEvent:
    return CorrectionEvent("0-0-0", feedback, "1", "0", True, None, "audit")


async def test_what_a_commit_stored_is_told_with_absolute_numbers(settings: Settings) -> None:
    """What changed nothing is not told; a view that was filled is a `reset`."""
    async with view_of(settings) as (pool, redis, view):
        await view.tend()
        for n in range(2):
            await view.show(changes(await store(pool, block_of(3, first_offset=3 * n, batches=["a"] * 3))))
        await view.show(changes(await store(pool, block_of(3, batches=["a"] * 3))))
        await view.show(Changes(dead_letters=(await store_dead_letters(pool, [letter(4, 1, 2)])).totals))
        (reset, why), *batches = await told(redis, settings)
        assert (reset, why) == ("reset", {"why": "a worker has started"})
        assert [(kind, [(one["batch"], one["records"]) for one in data["batches"]]) for kind, data in batches] == [
            ("batch", [("a", 3)]),
            ("batch", [("a", 6)]),
            ("batch", []),
        ]
        assert await read_counts(redis, settings.namespace) == (6, 2)
        await redis.delete(*Keys(settings.namespace).all())
        assert await read_counts(redis, settings.namespace) is None
        await view.tend()
        assert (await told(redis, settings))[-1][0] == "reset"


async def test_what_was_dropped_while_redis_was_away_is_a_reset(settings: Settings, servers: Servers) -> None:
    async with open_redis(settings) as redis:
        log = EventLog(redis, settings.namespace)
        await log.append(said("before it began"))
        await log.tend()
        await log.append(said("a"), said("b"))
        assert [(kind, data.get("feedback")) for kind, data in await told(redis, settings)] == [
            ("reset", None),
            ("correction", "a"),
            ("correction", "b"),
        ]
        with servers.valkey.away():
            await log.append(said("c"))
            await log.append(said("d"))
            await log.tend()
            assert not log.available
        await log.tend()
        await log.append(said("e"))
        assert [data.get("feedback", data.get("why")) for _, data in await told(redis, settings)] == [
            "events were dropped while Redis was away",
            "e",
        ]


async def test_a_worker_is_told_of_where_that_is_news(settings: Settings) -> None:
    beat = heartbeat(App(), WorkerState("score-1", "score"), rate=1.0, now_s=5.0)  # type: ignore[arg-type]
    async with open_redis(settings) as redis:
        await send_heartbeat(redis, settings.namespace, beat, tell=True)
        await send_heartbeat(redis, settings.namespace, beat)
        ((kind, data),) = await told(redis, settings)
        assert kind == "worker"
        assert data == {**beat, "seen_at": "1970-01-01T00:00:05+00:00"}


async def test_what_was_missed_is_told_in_pages_or_not_at_all(settings: Settings) -> None:
    async with open_redis(settings) as redis:
        log, namespace = EventLog(redis, settings.namespace), settings.namespace
        await log.tend()
        await log.append(*(said(f"{n}") for n in range(5)))
        ids = [event_id for event_id, _ in await redis.xrange(stream_key(namespace))]
        page = await missed_entries(redis, namespace, ids[0], ids[4], 3)
        assert page is not None
        assert [one.id for one in page] == ids[1:4]
        assert [one.id for one in await missed_entries(redis, namespace, ids[3], ids[4], 3) or ()] == [ids[4]]
        await redis.xtrim(stream_key(namespace), maxlen=3, approximate=False)
        assert await missed_entries(redis, namespace, ids[2], ids[4], 3) is None
        assert await missed_entries(redis, namespace, "no id", ids[4], 3) is None


@pytest.mark.parametrize("protocol", [2, 3])
async def test_whoever_waits_gets_the_next_entries_or_none(settings: Settings, protocol: int) -> None:
    """In either of Redis' protocols."""
    url = f"{settings.redis_url}?protocol={protocol}"
    async with open_redis(settings.model_copy(update={"redis_url": url})) as redis:
        log, namespace = EventLog(redis, settings.namespace), settings.namespace
        assert await next_entries(redis, namespace, NOWHERE, 9, wait_s=0.01) == []
        await log.tend()
        await log.append(said("a"))
        reset, one = await next_entries(redis, namespace, NOWHERE, 9, wait_s=0.01)
        assert (reset.type, one.type) == ("reset", "correction")
        assert await next_entries(redis, namespace, reset.id, 9, wait_s=0.01) == [one]
