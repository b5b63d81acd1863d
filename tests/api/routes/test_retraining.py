"""Automatic retraining in the API: the policy's decision, holds, and the shadow's evidence so far."""

from __future__ import annotations

import asyncio
import json
from math import log
from typing import Any

import pytest

from relearn.agents.stores.training.jobs import end_job, queue_job
from relearn.schemas.messages.commands import Command, decode_command
from relearn.schemas.settings import Settings
from tests.support.api.client import NOWHERE, Client, serving
from tests.support.data import retrains, reviewed
from tests.support.data.models import a_model
from tests.support.data.registered import register
from tests.support.data.rows import messages, query


def corrected(settings: Settings) -> None:
    """A champion with 30 audited predictions, 5 of them wrong."""
    retrains.load(settings, 40)
    assert register(settings) == 1
    features, _ = reviewed.records(30)
    offsets, answers, _ = reviewed.predict(settings, features, reviewed.model_of(settings, 1))
    other = {"yes": "no", "no": "yes"}
    reviewed.review(settings, offsets, [other[one] for one in answers[:5]] + answers[5:])


def with_shadow(settings: Settings, tally: dict[str, int] | None) -> None:
    """A champion and a shadow, with the evidence so far if there is any."""
    retrains.load(settings, 40)
    assert (register(settings), register(settings, "shadow")) == (1, 2)
    if tally is not None:
        note = "UPDATE jobs SET metrics = jsonb_set(metrics, '{shadow}', $1::jsonb) WHERE state = 'shadow'"
        query(settings, note, json.dumps(tally))


def by_name(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in found["triggers"]}


async def test_before_the_first_model_nothing_is_trained_by_itself(client: Client) -> None:
    found = await client.json("GET", "/v1/retraining")
    assert found["obstacles"] == ["no champion yet"]
    assert (found["trigger"], found["champion"], found["hold"], found["shadow"]) == (None, None, None, None)
    assert found["words"] == "0 of 20 corrections; no champion yet"


async def test_each_trigger_has_its_threshold_and_its_value_now(client: Client) -> None:
    """Also a trigger that is off."""
    await asyncio.to_thread(corrected, client.settings)
    found = await client.json("GET", "/v1/retraining")
    triggers = by_name(found)
    assert list(triggers) == ["count", "labels", "rate", "drift", "schedule"]
    assert (triggers["count"]["threshold"], triggers["count"]["value"], triggers["count"]["met"]) == (20, 5, False)
    assert triggers["count"]["waits_for"] == "15 more corrections"
    assert (triggers["labels"]["threshold"], triggers["labels"]["value"]) == (100, 30)
    assert (triggers["rate"]["threshold"], triggers["rate"]["value"]) == (None, pytest.approx(5 / 30))
    assert (found["champion"], found["corrections"], found["labels"]) == (1, 5, 30)
    assert found["words"].startswith("5 of 20 corrections")
    assert found["open_job"] is None
    assert found["last_ended_at"] is not None


async def test_it_says_by_whom_it_is_on_hold(client: Client) -> None:
    await asyncio.to_thread(corrected, client.settings)
    async with client.context.pool.acquire() as connection, connection.transaction():
        await queue_job(connection, Command("h", "hold", {"trigger": "manual"}, by="ann"))
        await end_job(connection, "h", "promoted")
    found = await client.json("GET", "/v1/retraining")
    hold = found["hold"]
    assert (hold["command"], hold["by"], hold["version"]) == ("hold", "ann", None)
    assert any(one.startswith("on hold: held by ann at ") for one in found["obstacles"])
    assert found["trigger"] is None


@pytest.mark.parametrize("tally", [None, {"fixed": 4, "broken": 1, "rows": 9}])
async def test_a_shadow_shows_the_evidence_so_far(client: Client, tally: dict[str, int] | None) -> None:
    await asyncio.to_thread(with_shadow, client.settings, tally)
    found = await client.json("GET", "/v1/retraining")
    shadow = found["shadow"]
    stats = await client.json("GET", "/v1/stats")
    assert (shadow["version"], shadow["champion"], shadow["job"]) == (2, 1, stats["open_job"])
    assert found["open_job"] is None
    assert not [one for one in found["obstacles"] if not one.startswith("cooldown")]
    fixed, broken, labels = (4, 1, 9) if tally else (0, 0, 0)
    assert (shadow["fixed"], shadow["broken"], shadow["labels"]) == (fixed, broken, labels)
    assert shadow["evidence"] == pytest.approx(fixed * log(1.5) + broken * log(0.5))
    assert shadow["rejects_at"] < 0 < shadow["promotes_at"]
    assert (shadow["labels_limit"], shadow["time_limit_s"]) == (30, 600)
    assert 0 <= shadow["elapsed_s"] < 600


@pytest.mark.parametrize("verb", ["hold", "rollback", "resume"])
async def test_what_an_operator_asks_for_is_a_command(client: Client, verb: Any) -> None:
    answer = await client.json("POST", f"/v1/retraining/{verb}", status=202)
    (message,) = await asyncio.to_thread(messages, client.settings, "commands")
    assert decode_command(message.value()) == Command(answer["id"], verb, {"trigger": "manual"})


async def test_rolling_back_from_one_activation_is_one_job_however_often(client: Client) -> None:
    """Two concurrent rollbacks go one model back, not two."""
    asked = []
    for activation in (5, 6):
        client.serve(a_model(activation), activation)
        for _ in range(2):
            asked.append((await client.json("POST", "/v1/retraining/rollback", status=202))["id"])
    assert asked[0] == asked[1] != asked[2] == asked[3]


async def test_without_postgres_nothing_is_known_and_without_redis_everything(client: Client) -> None:
    async with serving(client.settings, postgres_dsn=f"postgresql://x@{NOWHERE}/x") as other:
        assert await other.problem("GET", "/v1/retraining", 503) == "unavailable"
    async with serving(client.settings, redis_url=f"redis://{NOWHERE}/0") as other:
        assert (await other.json("GET", "/v1/retraining"))["champion"] is None
