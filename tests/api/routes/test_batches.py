"""Batches: listed from Redis if its view is of this database, else from Postgres; one batch is counted by Postgres."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import numpy as np

from relearn.agents.stores.live.layout import KEPT_BATCHES, Keys
from relearn.agents.stores.live.recent import RecentView
from relearn.agents.stores.predictions.totals import Group, add_batches
from tests.api.routes.test_predictions import pages
from tests.support.api.client import Client
from tests.support.api.filled import review, store
from tests.support.data.blocks import NOON_S, block_of
from tests.support.servers.embedded import Servers
from tests.support.servers.namespaces import as_owner
from tests.support.waiting import eventually_async


def view_of(client: Client) -> RecentView:
    """The writer of the view, as in a store worker."""
    return RecentView(client.context.redis, client.context.pool, client.settings.namespace)


async def names(client: Client, **query: Any) -> list[str]:
    return [item["batch"] for page in await pages(client, "/v1/batches", **query) for item in page]


async def in_postgres(client: Client, *batches: tuple[str, int, float]) -> None:
    """Batches with these numbers of records, the last record at that second."""
    async with client.context.pool.acquire() as connection:
        await add_batches(connection, [Group(0, 0, name, n, NOON_S, NOON_S + at_s) for name, n, at_s in batches])


async def test_a_batch_is_listed_alike_by_redis_and_by_postgres(client: Client) -> None:
    await store(client.context.pool, block_of(4, batches=["a", "b", "a", None]))
    listed = [await client.json("GET", "/v1/batches")]
    await view_of(client).tend()
    listed.append(await client.json("GET", "/v1/batches"))
    a = {"batch": "a", "records": 2, "first_at": "2026-09-21T12:00:00+00:00"}
    b = {"batch": "b", "records": 1, "first_at": "2026-09-21T12:00:00.001000+00:00"}
    expected = [
        {**a, "last_at": "2026-09-21T12:00:00.002000+00:00"},
        {**b, "last_at": "2026-09-21T12:00:00.001000+00:00"},
    ]
    assert listed == [{"items": expected, "next": None}] * 2


async def test_the_list_may_be_read_from_one_and_go_on_in_the_other(client: Client) -> None:
    """Many batches of one time, and names whose byte order differs from their language's order."""
    odd = ["Z", "a", "É", "é", "10", "9", "a b", "中", "~", "B"]
    await in_postgres(client, *((name, 1, n // 4) for n, name in enumerate(odd)))
    expected = await names(client, limit=3)
    assert sorted(expected) == sorted(odd)
    await view_of(client).tend()
    for limit in (1, 3, 100):
        assert await names(client, limit=limit) == expected
    first = await client.json("GET", "/v1/batches", params={"limit": 5})
    await client.context.redis.delete(Keys(client.settings.namespace).epoch)
    rest = await client.json("GET", "/v1/batches", params={"limit": 5, "cursor": first["next"]})
    assert [item["batch"] for item in first["items"] + rest["items"]] == expected


async def test_redis_keeps_the_latest_and_postgres_has_the_rest(client: Client) -> None:
    total = KEPT_BATCHES + 60
    await in_postgres(client, *((f"b{n:05}", 1, n // 50) for n in range(total)))
    view = view_of(client)
    await view.tend()
    await view.tend()
    assert await names(client, limit=250) == [f"b{n:05}" for n in reversed(range(total))]


async def test_a_view_of_another_database_is_not_believed(client: Client) -> None:
    """Nor is a lost view."""
    await in_postgres(client, ("real", 1, 0.0))
    await view_of(client).tend()
    keys, redis = Keys(client.settings.namespace), client.context.redis
    await redis.zadd(keys.batch_last, {"other": NOON_S + 9})
    await redis.zadd(keys.batch_first, {"other": NOON_S})
    await redis.zadd(keys.batch_records, {"other": 5})
    assert await names(client) == ["other", "real"]
    await redis.set(keys.epoch, "123.456")
    assert await names(client) == ["real"]
    await redis.delete(keys.epoch)
    assert await names(client) == ["real"]


async def test_one_batch_is_counted_by_label_and_by_model(client: Client) -> None:
    """And by reviewed records: with at least one label, of any reviewer."""
    pool = client.context.pool
    labels = np.array([0, 0, 1], np.int16)
    await store(pool, block_of(3, batches=["a/b"] * 3, labels=labels))
    await store(pool, block_of(3, first_offset=3, batches=["a/b", "c", "a/b"], labels=labels, model=2))
    for number, (prediction, label, reviewer) in enumerate(
        [
            ("0-0-0", "1", "ann"),
            ("0-0-0", "0", "bob"),
            ("0-5-0", "1", "ann"),
            ("0-2-0", "1", "ann"),
            ("0-2-0", None, "ann"),
        ]
    ):
        await review(pool, number, prediction, label, reviewer=reviewer)
    answer = await client.json("GET", f"/v1/batches/{quote('a/b', safe='')}")
    assert answer == {
        "batch": "a/b",
        "records": 5,
        "first_at": "2026-09-21T12:00:00+00:00",
        "last_at": "2026-09-21T12:00:00.005000+00:00",
        "counted": 5,
        "labels": {"0": 3, "1": 2},
        "models": {"1": 3, "2": 2},
        "reviewed": 2,
    }
    await client.json("GET", "/v1/batches/d", status=404)
    for path in ("%00", "x" * 257):
        await client.json("GET", f"/v1/batches/{path}", status=400)


async def test_a_batch_outlives_its_predictions(client: Client) -> None:
    await store(client.context.pool, block_of(3, batches=["a"] * 3))
    await as_owner(client.settings, "DROP TABLE predictions_20260921")
    answer = await client.json("GET", "/v1/batches/a")
    assert (answer["records"], answer["counted"], answer["labels"], answer["reviewed"]) == (3, 0, {}, 0)


async def test_without_any_there_are_no_batches(client: Client) -> None:
    assert await client.json("GET", "/v1/batches") == {"items": [], "next": None}
    for query in ({"cursor": "AQ"}, {"limit": "0"}, {"batch": "a"}):
        await client.json("GET", "/v1/batches", status=400, params=query)


async def test_one_server_away_the_other_lists_them(client: Client, servers: Servers) -> None:
    """Redis can't count one batch; and no list is read before the database's id was read once."""
    await store(client.context.pool, block_of(3, batches=["a"] * 3))
    with servers.valkey.away():
        assert await names(client) == ["a"]
        await client.json("GET", "/v1/batches/a")
    await view_of(client).tend()
    assert await names(client) == ["a"]
    with servers.postgres.away():
        assert await names(client) == ["a"]
        await client.json("GET", "/v1/batches/a", status=503)
        await client.context.redis.delete(Keys(client.settings.namespace).epoch)
        await client.json("GET", "/v1/batches", status=503)
    await eventually_async(lambda: client.context.health.states["postgres"].ok, "Postgres isn't back")
    assert await names(client) == ["a"]
