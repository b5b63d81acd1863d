"""The review queue: what is served next, to one reviewer at a time, and blind for audits and disagreements."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from relearn.agents.learning.review_choice import Candidate
from relearn.agents.stores.predictions.review_candidates import POOL
from relearn.agents.stores.redis import open_redis
from relearn.api.review.claims import Claims
from relearn.api.review.pool import ReviewPool, near, rescored
from relearn.api.review.served_via import served_via
from relearn.schemas.identity import parse_place
from relearn.schemas.model.linear_svm import Model
from tests.support.api.client import Client
from tests.support.api.filled import store
from tests.support.data import reviewed
from tests.support.data.blocks import block_of
from tests.support.data.models import a_model
from tests.support.servers.embedded import Servers
from tests.support.servers.namespaces import as_owner
from tests.support.waiting import eventually_async

MODEL = a_model(1, classes=("no", "yes"))


async def _stored(client: Client, n: int, model: Model = MODEL, *, seed: int = 5) -> list[int]:
    features, _ = reviewed.records(n, seed=seed)
    offsets, _, _ = await asyncio.to_thread(reviewed.predict, client.settings, features, model)
    return offsets


async def _queue(client: Client, limit: int = 10) -> Any:
    return await client.json("POST", "/v1/review-queue", json={"limit": limit})


def _pool(client: Client, audit: float) -> ReviewPool:
    """A pool as another process would have it."""
    context = client.context
    claims = Claims(context.redis, client.settings.namespace, 300)
    return ReviewPool(context.pool, context.live, claims, audit=audit, rng=np.random.default_rng(0))


async def test_no_record_is_served_twice_not_even_by_two_processes(client: Client) -> None:
    client.serve(MODEL)
    await _stored(client, 60)
    other = _pool(client, 0.2)
    served = []
    for _ in range(3):
        answer, (choices, *_) = await asyncio.gather(_queue(client), other.take(10))
        served += [item["prediction"] for item in answer["items"]]
        served += [str(choice.candidate.place) for choice in choices]
    assert len(served) == 60
    assert len(set(served)) == 60
    assert (await _queue(client))["items"] == []


async def test_items_at_random_are_blind_and_others_explain_themselves(client: Client) -> None:
    client.serve(MODEL)
    await _stored(client, 200)
    items = (await _queue(client, 50))["items"]
    by_via = {via: [item for item in items if item["via"] == via] for via in ("audit", "queue")}
    assert len(by_via["audit"]) + len(by_via["queue"]) == 50
    assert by_via["audit"]
    for item in by_via["audit"]:
        assert (item["blind"], item["answer"]) == (True, None)
        assert {feature["contribution"] for feature in item["features"]} == {None}
    for item in by_via["queue"]:
        margin = item["answer"]["base"] + sum(feature["contribution"] for feature in item["features"])
        assert margin == pytest.approx(item["answer"]["margins"][0], abs=1e-9)
        assert item["answer"]["label"] in item["classes"] == ["no", "yes"]


async def test_the_least_certain_of_the_live_model_come_first_also_after_a_swap(client: Client) -> None:
    await _stored(client, 40)
    features, _ = reviewed.records(40)
    pool, taken = _pool(client, 0.0), set[int]()
    for activation, seed in ((1, 0), (2, 9)):
        model = a_model(activation, classes=("no", "yes"), seed=seed)
        client.serve(model, activation)
        choices, waiting, _ = await pool.take(1)
        by_certainty = np.argsort(np.abs(features @ model.weights[0] + model.bias[0])).tolist()
        expected = next(i for i in by_certainty if i not in taken)
        assert (choices[0].candidate.place.offset, waiting) == (expected, 39 - len(taken))
        taken.add(expected)


async def test_what_was_served_is_remembered_with_its_way(client: Client) -> None:
    client.serve(MODEL)
    await _stored(client, 30)
    items = (await _queue(client, 20))["items"]
    places = [parse_place(item["prediction"]) for item in items]
    found = await served_via(client.context.redis, client.settings.namespace, places)
    assert found == [item["via"] for item in items]
    elsewhere = [parse_place("7-7-7")]
    assert await served_via(client.context.redis, client.settings.namespace, elsewhere) == ["volunteer"]


async def test_what_waits_is_what_can_still_be_taken(client: Client) -> None:
    """Without claimed records and second records of a subject; a lower bound when the pool is full."""
    client.serve(MODEL)
    features, _ = reviewed.records(4)
    columns = {**reviewed.answers_of(MODEL, features), "subjects": ["a", "a", "b", "c"]}
    await store(client.context.pool, block_of(4, **columns))
    told = [await _queue(client, 1) for _ in range(4)]
    assert [one["waiting"] for one in told] == [2, 1, 0, 0]
    assert not any(one["waiting_at_least"] for one in told)
    assert [len(one["items"]) for one in told] == [1, 1, 1, 0]
    await _stored(client, POOL)
    other = await _pool(client, 0.0).take(10)
    assert other.at_least
    assert other.waiting < POOL


async def test_a_claim_ends_by_itself(client: Client) -> None:
    client.serve(MODEL)
    await _stored(client, 1)
    context = client.context
    claims = Claims(context.redis, client.settings.namespace, 0.2)
    pool = ReviewPool(context.pool, context.live, claims, audit=0.0)
    assert len((await pool.take(5))[0]) == 1

    async def is_served_again() -> bool:
        return bool((await pool.take(5))[0])

    await eventually_async(is_served_again, "it stays claimed")


async def test_a_claim_of_another_process_hides_a_record_for_no_longer_than_it_lasts(client: Client) -> None:
    redis, namespace, now_s = client.context.redis, client.settings.namespace, 1000.0
    first = Claims(redis, namespace, 300)
    assert await first.claim("a")
    (name,) = [one async for one in redis.scan_iter(f"{namespace}:claim:*")]
    await redis.pexpire(name, 50_000)
    second = Claims(redis, namespace, 300, clock=lambda: now_s)
    assert not await second.claim("a")
    assert second.ours() == {"a"}
    now_s += 50.0
    assert second.ours() == frozenset()


async def test_only_the_own_claims_are_given_back(client: Client) -> None:
    redis, namespace = client.context.redis, client.settings.namespace
    first, second = Claims(redis, namespace, 300), Claims(redis, namespace, 300)
    assert await first.claim("a")
    await second.release(["a"])
    assert not await Claims(redis, namespace, 300).claim("a")
    await first.release(["a"])
    assert await Claims(redis, namespace, 300).claim("a")


async def test_a_look_claims_nothing(client: Client) -> None:
    """Repeated, by navigation or a prefetch: each record is still there, and its feedback is a volunteer's."""
    client.serve(MODEL)
    await _stored(client, 5)
    for _ in range(3):
        seen = await client.json("GET", "/v1/review-queue?limit=5")
        assert (len(seen["items"]), seen["claimed_for_s"], seen["waiting"]) == (5, 0, 5)
    assert await client.context.redis.keys(f"{client.settings.namespace}:claim:*") == []
    places = [parse_place(item["prediction"]) for item in seen["items"]]
    assert set(await served_via(client.context.redis, client.settings.namespace, places)) == {"volunteer"}
    taken = await _queue(client, 5)
    assert (len(taken["items"]), taken["claimed_for_s"] > 0) == (5, True)
    assert (await client.json("GET", "/v1/review-queue"))["items"] == []


async def test_what_was_claimed_and_could_not_be_read_is_served_to_the_next(client: Client) -> None:
    """Postgres answers the query of candidates, and fails the query of their predictions."""
    client.serve(MODEL)
    await _stored(client, 5)
    other = _pool(client, 0.0)
    await other.take(0)  # so that it knows what there is
    await client.context.review_pool.take(0)
    await as_owner(client.settings, "ALTER TABLE predictions RENAME TO predictions_away")
    await client.json("POST", "/v1/review-queue", status=503, json={"limit": 2})
    await as_owner(client.settings, "ALTER TABLE predictions_away RENAME TO predictions")
    choices, *_ = await other.take(5)
    assert len(choices) == 5
    await other.give_back(choices)
    assert len((await _queue(client, 5))["items"]) == 5


async def test_while_redis_hangs_it_is_waited_for_once_and_not_for_each_record(
    client: Client, servers: Servers
) -> None:
    async with open_redis(client.settings, answers_within_s=0.5, connects_within_s=0.5) as redis:
        claims = Claims(redis, client.settings.namespace, 300, clock=lambda: 0.0)
        with servers.valkey.hung(), capture_logs() as logs:
            assert all([await claims.claim(str(n)) for n in range(20)])
            await claims.release([str(n) for n in range(20)])
    assert [one["event"] for one in logs if one["event"].startswith("claim")] == ["claims_local"]
    assert claims.ours() == frozenset()


async def test_what_was_reviewed_is_not_asked_again(client: Client) -> None:
    client.serve(MODEL)
    offsets = await _stored(client, 10)
    await asyncio.to_thread(reviewed.review, client.settings, offsets[:9], ["yes"] * 9)
    items = (await _queue(client))["items"]
    assert [parse_place(item["prediction"]).offset for item in items] == offsets[9:]


async def test_without_redis_it_goes_on(client: Client, servers: Servers) -> None:
    client.serve(MODEL)
    await _stored(client, 30)
    with servers.valkey.away():
        first = (await _queue(client))["items"]
        second = (await _queue(client))["items"]
    assert len({item["prediction"] for item in [*first, *second]}) == 20


async def test_without_postgres_it_says_so(client: Client, servers: Servers) -> None:
    with servers.postgres.away():
        problem = await client.json("GET", "/v1/review-queue", status=503)
    assert "Postgres" in problem["detail"]


def _candidate(n: int, *features: float) -> Candidate:
    return Candidate(parse_place(f"0-{n}-0"), str(n), list(features), "no", 0.9, False)


def _model(*scale: float) -> Model:
    return Model(1, ("no", "yes"), ("x", "y"), np.ones((1, 2)), np.zeros(1), np.zeros(2), np.array(scale))


def test_near_is_a_matter_of_standard_deviations() -> None:
    others = [_candidate(1, 0.0, 0.05), _candidate(2, 0.0, 50.0), _candidate(3, 1.0)]
    chosen = _candidate(0, 0.0, 0.0)
    assert near(chosen, others, _model(1.0, 1.0)) == {"1"}
    assert near(chosen, others, _model(1.0, 1000.0)) == {"1", "2"}
    assert near(chosen, others, None) == set()


def test_records_of_another_shape_keep_their_certainty() -> None:
    found = rescored([_candidate(1, 0.0, 0.0), _candidate(2, 0.0)], a_model(d=2))
    assert found[0].certainty != 0.9
    assert found[1].certainty == 0.9
