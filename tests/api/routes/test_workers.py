"""Workers in the API: their heartbeats, and unknown without Redis."""

from __future__ import annotations

import json

from relearn.agents.stores.live.heartbeats import send_heartbeat, worker_key
from tests.support.api.client import NOWHERE, Client, serving
from tests.support.data.heartbeats import beat_of


async def test_workers_are_those_that_said_something_lately(client: Client) -> None:
    partitions = [f"{client.settings.namespace}.ingest-0"]
    notices = [{"code": "gap", "detail": "9 records are gone", "since": 1_800_000_000.0}]
    for one in (beat_of("store-1", lag=5, partitions=partitions, notices=notices), beat_of("score-1", "score")):
        await send_heartbeat(client.context.redis, client.settings.namespace, one)
    found = await client.json("GET", "/v1/workers")
    assert (found["known"], found["next"]) == (True, None)
    assert [(one["id"], one["role"], one["condition"]) for one in found["items"]] == [
        ("score-1", "score", "ready"),
        ("store-1", "store", "ready"),
    ]
    store = found["items"][1]
    assert (store["model"], store["activation"], store["shadow"], store["rate"]) == (3, 7, None, 12.3)
    assert (store["lag"], store["partitions"]) == (5, partitions)
    assert store["seen_at"].endswith("+00:00")
    assert found["items"][0]["notices"] == []
    assert store["notices"] == [{**notices[0], "since": "2027-01-15T08:00:00+00:00"}]


async def test_workers_that_should_run_and_send_nothing_are_missing(client: Client) -> None:
    """By role, against the setting."""
    async with serving(client.settings, expected_workers=("score=2", "store=1", "retrain=0")) as other:
        await send_heartbeat(other.context.redis, other.settings.namespace, beat_of("score-9", "score"))
        found = await other.json("GET", "/v1/workers")
        assert found["missing"] == [
            {"role": "score", "expected": 2, "seen": 1},
            {"role": "store", "expected": 1, "seen": 0},
        ]


async def test_what_is_no_heartbeat_is_passed_over(client: Client) -> None:
    """Of another version, or not a heartbeat at all."""
    settings, redis = client.settings, client.context.redis
    strange: list[object] = [{"id": "b", "role": "score"}, {"role": "score"}, [], "x"]
    strange += [beat_of("c", seen_at=1e300), beat_of("d", lag=-1)]
    for number, text in enumerate(["{", *map(json.dumps, strange)]):
        await send_heartbeat(redis, settings.namespace, beat_of(f"strange-{number}"))
        await redis.set(worker_key(settings.namespace, f"strange-{number}"), text)
    await send_heartbeat(redis, settings.namespace, beat_of("a"))
    assert [one["id"] for one in (await client.json("GET", "/v1/workers"))["items"]] == ["a"]


async def test_without_redis_it_says_that_nothing_is_known(client: Client) -> None:
    async with serving(client.settings, redis_url=f"redis://{NOWHERE}/0") as other:
        assert await other.json("GET", "/v1/workers") == {"items": [], "missing": [], "next": None, "known": False}
