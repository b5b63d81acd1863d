"""`relearn status` on real servers: what answers is shown, what doesn't is named."""

import json
import re
import time
from typing import Any

from relearn.agents.stores.live.heartbeats import send_heartbeat
from relearn.agents.stores.redis import open_redis
from relearn.schemas.settings import Settings
from relearn.scripts.client.api_state import read_api
from relearn.scripts.client.migrations import run_migrations
from tests.support.api.client import serving
from tests.support.data import retrains, reviewed
from tests.support.data.models import a_model
from tests.support.data.registered import register
from tests.support.data.rows import query, value
from tests.support.processes.commands import relearn, relearn_process
from tests.support.waiting import eventually, eventually_async

HOLD = """
INSERT INTO jobs (id, command, state, reason, by, ended_at, cut)
VALUES ('h', 'hold', 'promoted', '{}', 'ann', '2026-01-31 12:00:00+00', 0)
"""


async def test_lag_workers_and_totals_come_from_the_servers_themselves(settings: Settings) -> None:
    """Lag from Kafka before any worker has read, workers from Redis, the rest from Postgres."""
    await run_migrations(settings)
    redis = open_redis(settings)
    beat = {"id": "score-1", "role": "score", "model": None, "activation": None, "partitions": [], "lag": None}
    await send_heartbeat(redis, settings.namespace, {**beat, "rate": 0.0, "seen_at": time.time(), "condition": "ready"})
    await redis.aclose()
    assert relearn_process(settings, "produce", "wine").returncode == 0
    done = relearn(settings, "status", "--json")
    assert done.returncode == 0, done.stdout
    condition = json.loads(done.stdout)
    assert (condition["up"], condition["down"]) == (True, [])
    groups = {lag["group"].rpartition(".")[2] for lag in condition["lag"]}
    assert groups == {"score", "store", "feedback", "retrain"}
    ingest = [lag for lag in condition["lag"] if lag["topic"].endswith(".ingest")]
    assert len(ingest) == settings.partitions
    assert sum(lag["lag"] for lag in ingest) == sum(lag["end"] for lag in ingest) == 178
    assert [worker["id"] for worker in condition["workers"]] == ["score-1"]
    assert (condition["champion"], condition["totals"]["records"], condition["pauses"]) == (None, 0, [])
    assert "178" in relearn(settings, "status").stdout
    done = relearn(settings, "status", "--json", EXPECTED_WORKERS="score=2,retrain=1")
    assert (done.returncode, json.loads(done.stdout)["down"]) == (1, ["1 of 2 score", "1 of 1 retrain"])
    assert relearn(settings, "status", EXPECTED_WORKERS="score=1").returncode == 0


def test_what_the_loop_is_doing_is_said_in_one_sentence(migrated: Settings) -> None:
    """Waiting, on hold, and the alert with its remedy; each from Postgres alone, as text and as JSON."""
    loop = retraining(migrated)
    assert (loop["state"], loop["alerts"]) == ("no-champion", [])
    retrains.load(migrated, 40)
    assert register(migrated) == 1
    loop = retraining(migrated)
    assert (loop["state"], loop["sentence"]) == ("waiting", "0 of 20 corrections until the next training")
    assert loop["since"] == value(migrated, "SELECT ended_at FROM jobs").isoformat()
    query(
        migrated, "UPDATE jobs SET trained_at = trained_at - interval '1 hour', ended_at = ended_at - interval '1 hour'"
    )
    features, _ = reviewed.records(61)
    offsets, answers, _ = reviewed.predict(migrated, features, reviewed.model_of(migrated, 1))
    reviewed.review(migrated, offsets, ["no" if one == "yes" else "yes" for one in answers])
    eventually(lambda: retraining(migrated)["state"] == "training-due", "no training is due")
    (alert,) = retraining(migrated)["alerts"]
    assert alert["detail"].startswith("61 corrections are known to no training, more than 3 times 20: start a retrain")
    text = " ".join(relearn(migrated, "status").stdout.split())
    assert "all up, 1 alert" in text
    assert re.search(r"training since [-0-9T:]{19}: a training is due because of 61 of 20 corrections", text)
    assert "ALERT unlearned since " in text
    query(migrated, "INSERT INTO jobs (id, command, state, reason, by) VALUES ('t', 'train', 'queued', '{}', 'ann')")
    assert retraining(migrated)["sentence"] == (
        "a training is queued because of a command by ann, no retrain worker has begun it"
    )
    query(migrated, "DELETE FROM jobs WHERE id = 't'")
    register(migrated, "shadow")
    loop = retraining(migrated)
    assert (loop["state"], loop["sentence"]) == (
        "shadow",
        "model 2 answers as a shadow, 0 of 30 labels; 0 of 20 corrections until the next training",
    )
    assert loop["since"] == value(migrated, "SELECT trained_at FROM jobs WHERE state = 'shadow'").isoformat()
    query(migrated, HOLD)
    loop = retraining(migrated)
    assert loop["state"] == "on-hold"
    assert loop["sentence"].startswith("on hold: held by ann at 2026-01-31 12:00:00 UTC; 0 new corrections wait")
    assert (loop["since"], loop["alerts"]) == ("2026-01-31T12:00:00+00:00", [])


def retraining(settings: Settings) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(relearn(settings, "status", "--json").stdout)["retraining"]
    return found


async def test_the_api_is_shown_and_what_it_lacks(migrated: Settings) -> None:
    """It is asked where the settings say."""
    async with serving(migrated) as client:
        here = migrated.model_copy(update={"api_port": client.http.port})
        found = await read_api(here)
        assert found["state"] == "not ready"
        assert "model: " in found["error"]
        client.serve(a_model())
        await eventually_async(lambda: client.context.health.ready, "not ready")
        assert (await read_api(here))["state"] == "up"
    assert (await read_api(here))["state"] == "away"


async def test_each_server_that_is_away_is_named_and_the_rest_still_shown(settings: Settings) -> None:
    """Exit code 1, whichever it is."""
    await run_migrations(settings)
    away = {
        "kafka": {"KAFKA_BROKERS": "127.0.0.1:1"},
        "postgres": {"POSTGRES_DSN": "postgresql://postgres:secret@127.0.0.1:1/postgres"},
        "valkey": {"REDIS_URL": "redis://127.0.0.1:1/0"},
    }
    for name, given in away.items():
        done = relearn(settings, "status", "--json", **given)
        condition = json.loads(done.stdout)
        assert (done.returncode, condition["down"]) == (1, [name])
        states = {server: facts["state"] for server, facts in condition["servers"].items()}
        assert states == {**dict.fromkeys(away, "up"), name: "away"}
        assert "secret" not in done.stdout
    everything = {key: value for given in away.values() for key, value in given.items()}
    done = relearn(settings, "status", **everything)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)


def test_a_namespace_that_is_not_set_up_says_what_to_do(settings: Settings) -> None:
    """It isn't the servers that are away."""
    done = relearn(settings, "status", "--json")
    servers = json.loads(done.stdout)["servers"]
    assert done.returncode == 1
    assert servers["kafka"]["state"] == servers["postgres"]["state"] == "not ready"
    assert "relearn migrate" in servers["kafka"]["error"]
    assert "relearn migrate" in servers["postgres"]["error"]
