"""Automatic retraining in the API: the policy's decision, holds, and the shadow's evidence so far."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from math import log
from typing import Any

import pytest

from relearn.agents.learning import policy
from relearn.agents.models.signing_keys import load_signer
from relearn.agents.retrain.execute import execute_command
from relearn.agents.stores.training.activations import SigningContext
from relearn.agents.stores.training.jobs import end_job, queue_job, take_training
from relearn.schemas.messages.commands import Command, decode_command
from relearn.schemas.settings import Settings
from tests.support.api.client import NOWHERE, Client, serving
from tests.support.data import retrains, reviewed
from tests.support.data.models import a_model
from tests.support.data.registered import register
from tests.support.data.rows import messages, query

#: What doesn't depend on the moment of the request.
SAID = ("state", "sentence", "since", "alerts", "unlearned", "shadow_job", "open_job")


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


def correct(settings: Settings, n: int) -> None:
    """n corrections, each of another prediction of model 1."""
    features, _ = reviewed.records(n, seed=n)
    offsets, answers, _ = reviewed.predict(settings, features, reviewed.model_of(settings, 1))
    reviewed.review(settings, offsets, ["no" if one == "yes" else "yes" for one in answers])


def by_name(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in found["triggers"]}


async def test_before_the_first_model_nothing_is_trained_by_itself(client: Client) -> None:
    found = await client.json("GET", "/v1/retraining")
    assert found["obstacles"] == ["no champion yet"]
    assert (found["trigger"], found["champion"], found["hold"], found["shadow"]) == (None, None, None, None)
    assert found["words"] == "0 of 20 corrections; no champion yet"
    assert (found["state"], found["sentence"]) == (
        "no-champion",
        "no champion yet: the first model is trained from labelled data",
    )
    made = await client.context.pool.fetchval("SELECT min(at) FROM migrations")
    assert datetime.fromisoformat(found["since"]) == made


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
    assert (found["state"], found["sentence"]) == ("waiting", "30 of 100 labels until the next training")
    assert found["since"] == found["last_ended_at"]
    unlearned = {
        "corrections": 5,
        "labels": 30,
        "more": False,
        "waiting": 0,
        "most_corrections": 60,
        "most_labels": 300,
    }
    assert (found["unlearned"], found["alerts"]) == (unlearned, [])


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
    assert (found["state"], found["since"]) == ("on-hold", hold["since"])
    assert found["sentence"].startswith(f"on hold: {hold['words']}; 5 new corrections wait, and nothing is trained")


@pytest.mark.parametrize("tally", [None, {"fixed": 4, "broken": 1, "rows": 9}])
async def test_a_shadow_shows_the_evidence_so_far(client: Client, tally: dict[str, int] | None) -> None:
    await asyncio.to_thread(with_shadow, client.settings, tally)
    found = await client.json("GET", "/v1/retraining")
    shadow = found["shadow"]
    stats = await client.json("GET", "/v1/stats")
    assert (shadow["version"], shadow["champion"]) == (2, 1)
    assert shadow["job"] == found["shadow_job"] == stats["shadow_job"]
    assert found["open_job"] is stats["open_job"] is None
    assert not [one for one in found["obstacles"] if not one.startswith("cooldown")]
    fixed, broken, labels = (4, 1, 9) if tally else (0, 0, 0)
    assert (shadow["fixed"], shadow["broken"], shadow["labels"]) == (fixed, broken, labels)
    assert shadow["evidence"] == pytest.approx(fixed * log(1.5) + broken * log(0.5))
    assert shadow["rejects_at"] < 0 < shadow["promotes_at"]
    assert (shadow["labels_limit"], shadow["time_limit_s"]) == (30, 600)
    assert 0 <= shadow["elapsed_s"] < 600
    beside = f"model 2 answers as a shadow, {labels} of 30 labels; 0 of 20 corrections until the next training"
    assert (found["state"], found["sentence"], found["since"]) == ("shadow", beside, shadow["since"])


async def test_an_open_training_is_the_state_also_beside_a_shadow(client: Client) -> None:
    """Queued, then running: since then. `open_job` and `shadow_job` are those of the statistics."""
    await asyncio.to_thread(with_shadow, client.settings, {"fixed": 0, "broken": 0, "rows": 1})
    pool, reason = client.context.pool, {"trigger": "count", "corrections": 20}
    async with pool.acquire() as connection:
        assert await queue_job(connection, Command("t", "train", reason))
    found = await client.json("GET", "/v1/retraining")
    beside = "model 2 answers as a shadow, 1 of 30 labels"
    assert (found["state"], found["sentence"]) == (
        "training",
        f"a training is queued because of 20 corrections, no retrain worker has begun it; {beside}",
    )
    job = await take_training(pool)
    assert job is not None
    found, stats = await client.json("GET", "/v1/retraining"), await client.json("GET", "/v1/stats")
    assert found["sentence"] == f"a training runs because of 20 corrections; {beside}"
    assert datetime.fromisoformat(found["since"]) == job.started_at
    assert found["open_job"] == stats["open_job"] == "t"
    assert found["shadow_job"] == stats["shadow_job"] == found["shadow"]["job"]


async def test_after_an_automatic_rollback_it_waits_for_new_corrections(client: Client) -> None:
    settings = client.settings
    await asyncio.to_thread(retrains.load, settings, 40)
    for version in (1, 2):
        assert await asyncio.to_thread(register, settings) == version
    signing = SigningContext(settings.namespace, load_signer(settings))
    command = Command("back", "rollback", {"trigger": "evidence"})
    assert await execute_command(client.context.pool, command, signing, above=0)
    await asyncio.to_thread(correct, settings, 3)
    found = await client.json("GET", "/v1/retraining")
    assert (found["state"], found["sentence"]) == (
        "after-rollback",
        "after an automatic rollback: 3 of 20 new corrections until the next training",
    )
    job = await client.json("GET", "/v1/jobs/back")
    assert (found["since"], found["hold"]) == (job["ended_at"], None)


async def test_too_much_that_no_training_has_known_is_an_alert_until_one_has(client: Client) -> None:
    """After a rejection the needed number is doubled. A second process gives the same answer."""
    settings = client.settings
    await asyncio.to_thread(retrains.load, settings, 40)
    for state, version in (("champion", 1), ("rejected", 2)):
        assert await asyncio.to_thread(register, settings, state) == version
    await client.context.pool.execute("UPDATE jobs SET trained_at = trained_at - interval '1 hour'")
    await asyncio.to_thread(correct, settings, 120)
    found = await client.json("GET", "/v1/retraining")
    assert (found["unlearned"]["corrections"], found["unlearned"]["most_corrections"], found["alerts"]) == (
        120,
        120,
        [],
    )
    await asyncio.to_thread(correct, settings, 2)
    found = await client.json("GET", "/v1/retraining")
    newest = await client.context.pool.fetch("SELECT stored_at FROM corrections ORDER BY stored_at DESC LIMIT 2")
    (alert,) = found["alerts"]
    assert alert["detail"].startswith("122 corrections are known to no training, more than 3 times 40: ")
    assert datetime.fromisoformat(alert["since"]) == newest[1]["stored_at"]
    async with serving(settings) as other:
        again = await other.json("GET", "/v1/retraining")
    assert [again[name] for name in SAID] == [found[name] for name in SAID]
    assert await asyncio.to_thread(register, settings, "rejected") == 3
    found = await client.json("GET", "/v1/retraining")
    assert (found["unlearned"]["corrections"], found["alerts"]) == (0, [])


async def test_labels_that_wait_for_later_trainings_are_an_alert(client: Client) -> None:
    """As the newest training that made a model left them; a later one that failed changes nothing."""
    settings = client.settings
    await asyncio.to_thread(retrains.load, settings, 40)
    assert await asyncio.to_thread(register, settings) == 1
    for by, n in (("ann", 1), ("bot", 6)):
        features, _ = reviewed.records(n, seed=n)
        model = await asyncio.to_thread(reviewed.model_of, settings, 1)
        offsets, answers, _ = await asyncio.to_thread(reviewed.predict, settings, features, model)
        await asyncio.to_thread(reviewed.review, settings, offsets, answers, by=by)
    limited = settings.model_copy(update={"reviewer_labels": 2, "retrain_labels": 1})
    assert await asyncio.to_thread(register, limited, "rejected") == 2
    async with client.context.pool.acquire() as connection:
        await queue_job(connection, Command("f", "train", {"trigger": "manual"}))
        await end_job(connection, "f", "failed", error="too large")
    async with serving(limited) as other:
        found = await other.json("GET", "/v1/retraining")
    assert (found["unlearned"]["labels"], found["unlearned"]["waiting"]) == (0, 4)
    (alert,) = found["alerts"]
    assert (alert["code"], alert["since"]) == ("limited", None)
    assert alert["detail"].startswith("4 labels above RELEARN_REVIEWER_LABELS wait for later trainings")


async def test_volunteered_reviews_that_promote_nothing_are_an_alert(client: Client) -> None:
    settings = client.settings.model_copy(update={"retrain_labels": 1})
    await asyncio.to_thread(retrains.load, settings, 40)
    assert await asyncio.to_thread(register, settings) == 1
    features, _ = reviewed.records(8, seed=3)
    model = await asyncio.to_thread(reviewed.model_of, settings, 1)
    offsets, answers, _ = await asyncio.to_thread(reviewed.predict, settings, features, model)
    await asyncio.to_thread(reviewed.review, settings, offsets, answers, via="volunteer")
    assert await asyncio.to_thread(register, settings, "rejected") == 2
    async with serving(settings) as other:
        found = await other.json("GET", "/v1/retraining")
    assert [one["code"] for one in found["alerts"]] == ["no-evidence"]
    assert found["alerts"][0]["detail"].startswith("none of 8 reviews is evidence between models")


async def test_beyond_what_is_counted_the_alert_says_more_than(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "_COUNTED", 0)
    settings = client.settings.model_copy(update={"retrain_corrections": 1, "retrain_labels": 1})
    await asyncio.to_thread(corrected, settings)
    await asyncio.to_thread(correct, settings, 60)
    async with serving(settings) as other:
        found = await other.json("GET", "/v1/retraining")
    assert (found["unlearned"]["corrections"], found["unlearned"]["more"]) == (55, True)
    assert found["alerts"][0]["detail"].startswith("more than 55 corrections are known to no training")


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
