"""The statistics of a namespace."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from relearn.agents.learning.audit_accuracy import wilson_interval
from relearn.agents.stores.dead_letters import store_dead_letters
from relearn.agents.stores.live.heartbeats import send_heartbeat
from relearn.api.queries.stats import StatsReader
from relearn.schemas.messages.dead_letters import DeadLetter
from tests.support.api.client import Client
from tests.support.api.filled import register, review, say, store
from tests.support.data.blocks import NOON_S, block_of
from tests.support.data.feedbacks import feedback
from tests.support.data.heartbeats import beat_of
from tests.support.data.models import a_model
from tests.support.servers.embedded import Servers
from tests.support.servers.namespaces import as_owner
from tests.support.waiting import eventually_async

NO_YES = np.array([0, 1, 1, 0, 0], np.int16)
NOTHING = {
    "totals": dict.fromkeys(("records", "expired", "dead_letters", "reviews", "corrections", "confirmations"), 0),
    "scored_per_s": 0.0,
    "stored_per_s": 0.0,
    "latency": None,
    "lag": {},
    "champion": None,
    "accuracy": None,
    "models": 0,
    "jobs": 0,
    "open_job": None,
    "shadow_job": None,
    "on_hold": None,
    "drifted": [],
}


def reader(client: Client) -> StatsReader:
    """Statistics without a cache."""
    return StatsReader(client.context.pool, client.context.redis, client.settings.namespace, cached_s=0)


async def test_before_anything_happened_all_is_nothing(client: Client) -> None:
    assert await client.json("GET", "/v1/stats") == NOTHING
    await client.json("GET", "/v1/stats", status=400, params={"since": "ever"})


async def test_totals_are_what_was_stored_and_said(client: Client) -> None:
    """Every statement counts; records that are read twice, and dead letters already stored, don't."""
    pool = client.context.pool
    old = replace(block_of(3, partition=1, ingested_at=np.full(3, NOON_S - 40 * 86_400)), appended_s=NOON_S)
    for _ in range(2):
        await store(pool, block_of(5, labels=NO_YES))
        await store_dead_letters(
            pool, [DeadLetter("score", "text", "why", "ingest", 0, 0, 9, (0, 1), NOON_S, None, b"{")]
        )
    await store(pool, old)
    said = [("0-0-0", "0", "ann"), ("0-0-0", "1", "ann"), ("0-1-0", "1", "bob"), ("0-1-0", None, "bob")]
    for number, (prediction, label, reviewer) in enumerate(said):
        await review(pool, number, prediction, label, reviewer=reviewer)
    await say(pool, feedback("waits", "1", prediction="0-99-0"), first=9)
    assert (await client.json("GET", "/v1/stats"))["totals"] == {
        "records": 5,
        "expired": 3,
        "dead_letters": 2 + 3,
        "reviews": 4,
        "corrections": 1,
        "confirmations": 2,
    }


async def test_the_champion_is_named_with_what_goes_on_about_it(client: Client) -> None:
    pool = client.context.pool
    await register(pool, a_model(1), state="former", activation=3)
    await register(pool, a_model(2), activation=4)
    await pool.execute(
        "INSERT INTO drift (activation, model, state, drifted) VALUES (3, 1, '{}', '{x1}'), (4, 2, '{}', '{x2,margin}')"
    )
    await pool.execute(
        "INSERT INTO jobs (id, command, state, reason, by, ended_at, champion) VALUES"
        " ('hold', 'hold', 'promoted', '{}', 'ann', '2026-09-21', 2),"
        " ('beside', 'train', 'shadow', '{}', NULL, NULL, 2),"
        " ('open', 'train', 'queued', '{}', NULL, NULL, 2)"
    )
    stats = await client.json("GET", "/v1/stats")
    since = stats["champion"].pop("since")
    assert datetime.fromisoformat(since).utcoffset() is not None
    assert stats["champion"] == {"version": 2, "activation": 4}
    assert (stats["models"], stats["jobs"], stats["open_job"], stats["shadow_job"]) == (2, 5, "open", "beside")
    assert stats["drifted"] == ["x2", "margin"]
    assert stats["on_hold"] == "held by ann at 2026-09-21 00:00:00 UTC"
    assert stats["accuracy"] is None


async def test_accuracy_is_of_the_champion_s_audits_alone(client: Client) -> None:
    """Without predictions of former models, and without reviews that aren't audits."""
    pool = client.context.pool
    await register(pool, a_model(2), activation=4)
    await store(pool, block_of(5, labels=NO_YES, model=2), block_of(5, first_offset=5, labels=NO_YES, model=1))
    said = [
        ("0-0-0", "0", "audit"),
        ("0-1-0", "0", "audit"),
        ("0-2-0", "1", "audit"),
        ("0-3-0", "1", "queue"),
        ("0-4-0", "0", "batch"),
        ("0-5-0", "1", "audit"),
    ]
    for number, (prediction, label, via) in enumerate(said):
        await review(pool, number, prediction, label, via=via)
    expected = wilson_interval(2, 3)
    assert expected is not None
    assert (await client.json("GET", "/v1/stats"))["accuracy"] == {
        "n": 3,
        "right": 2,
        "estimate": pytest.approx(2 / 3),
        "low": pytest.approx(expected.low),
        "high": pytest.approx(expected.high),
    }


async def test_accuracy_follows_what_is_said_and_who_is_champion(client: Client) -> None:
    """Only new statements are read, until the champion changes or the tables are recreated."""
    pool = client.context.pool
    await register(pool, a_model(2), activation=4)
    await store(pool, block_of(5, labels=NO_YES, model=2), block_of(5, first_offset=5, labels=NO_YES, model=3))
    read = reader(client)

    async def audits() -> tuple[int, int]:
        facts = await read.read()
        return facts.audited, facts.right

    await review(pool, 0, "0-0-0", "0", via="audit")
    assert await audits() == (1, 1)
    await review(pool, 1, "0-0-0", "1", via="audit")
    await review(pool, 2, "0-5-0", "0", via="audit")
    assert await audits() == (1, 0)
    await pool.execute("UPDATE models SET state = 'former'")
    await register(pool, a_model(3), activation=5)
    assert await audits() == (1, 1)
    await as_owner(client.settings, "TRUNCATE corrections RESTART IDENTITY")
    assert await audits() == (0, 0)


async def test_latency_is_that_of_the_newest_records(client: Client) -> None:
    """From the broker's clock to the row, without older records."""
    at = NOON_S + np.arange(510.0)
    await store(client.context.pool, block_of(510, ingested_at=at))
    await client.context.pool.execute(
        "UPDATE predictions SET stored_at = ingested_at + CASE WHEN kafka_offset < 10 THEN interval '1 hour'"
        " WHEN kafka_offset = 509 THEN interval '1 s' ELSE interval '8 ms' END"
    )
    latency = (await client.json("GET", "/v1/stats"))["latency"]
    assert latency == {"n": 500, "p50_ms": pytest.approx(8), "p99_ms": pytest.approx(8)}


async def test_rates_and_lag_are_those_of_the_workers_that_live(client: Client) -> None:
    redis, namespace = client.context.redis, client.settings.namespace
    for number, (role, rate, lag) in enumerate(
        [("score", 10.5, 3), ("score", 20.0, 4), ("store", 7.0, None), ("store", 1.0, 2), ("feedback", 9.0, 0)]
    ):
        await send_heartbeat(redis, namespace, beat_of(f"{role}-{number}", role, rate=rate, lag=lag))
    stats = await client.json("GET", "/v1/stats")
    assert (stats["scored_per_s"], stats["stored_per_s"]) == (30.5, 8.0)
    assert stats["lag"] == {"score": 7, "store": None, "feedback": 0}


async def test_numbers_are_kept_for_a_moment(client: Client) -> None:
    """One query for any number of requests in that time."""
    kept = StatsReader(client.context.pool, client.context.redis, client.settings.namespace, cached_s=3600)
    assert (await kept.read()).row["records"] == 0
    await store(client.context.pool, block_of(5))
    assert (await kept.read()).row["records"] == 0
    assert (await reader(client).read()).row["records"] == 5


async def test_redis_away_leaves_out_what_only_it_knows(client: Client, servers: Servers) -> None:
    with servers.valkey.away():
        stats = await client.json("GET", "/v1/stats")
    assert stats == {**NOTHING, "scored_per_s": None, "stored_per_s": None, "lag": None}


async def test_postgres_away_is_503_until_it_is_back(client: Client, servers: Servers) -> None:
    with servers.postgres.away():
        await client.json("GET", "/v1/stats", status=503)
    await eventually_async(lambda: client.context.health.states["postgres"].ok, "Postgres isn't back")
    await client.json("GET", "/v1/stats")
