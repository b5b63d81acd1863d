"""The retrain worker killed at the worst moments: one model per job, and every process serves the same champion."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import replace

import msgpack
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from relearn.agents.models.signing_keys import load_signer, load_verifier
from relearn.schemas.model.signatures import Signer, key_id_of
from relearn.schemas.model.signed_updates import Update, decode_update, encode_update
from relearn.schemas.settings import Settings
from relearn.scripts.embedded.keys import ensure_pair
from tests.support.data import models, registered, retrains
from tests.support.data.rows import messages, query, stored, value
from tests.support.faults import promotions
from tests.support.faults.agreement import Champion, all_agree, newest, on_the_topic, one_model_per_job
from tests.support.faults.held import champion_held
from tests.support.faults.streaming import Stream
from tests.support.processes.logs import events
from tests.support.processes.workers import WorkerProcess, workers
from tests.support.size import FULL
from tests.support.waiting import eventually

Running = dict[str, WorkerProcess]
FIRST = Champion(1, 1)
RATE = 2_000
KILLS = 20 if FULL else 2


@pytest.fixture
def settings(migrated: Settings) -> Settings:
    """A namespace with a signing pair."""
    ensure_pair(migrated.keys_dir)
    return migrated


@pytest.fixture
def running(settings: Settings) -> Iterator[Running]:
    """A retrain and two score workers, and a first champion that has seen 14 records."""
    retrains.load(settings, 14)
    assert registered.register(settings) == 1
    with workers(settings, retrain=1, score=2) as started:
        all_agree(settings, started)
        yield started


def _shadow_role(settings: Settings) -> str | None:
    """The latest message about shadows on the topic."""
    found = [one for one in messages(settings, "model-updates") if one.key() == b"shadow"]
    return decode_update(found[-1].value(), load_verifier(settings), settings.namespace).role if found else None


def test_killed_in_the_midst_of_registering_it_has_written_nothing(settings: Settings, running: Running) -> None:
    promotions.audited(settings)
    with champion_held(settings) as held:
        job = retrains.send(settings, "train")
        held.until_registering()
        running["retrain-1"].kill()
    assert retrains.models(settings) == [(1, "champion", retrains.models(settings)[0][2])]
    assert (retrains.state_of(settings, job), on_the_topic(settings)) == ("running", FIRST)
    running["retrain-1"].start()
    assert retrains.ended(settings, job, lambda: running["retrain-1"].log[-3000:])["state"] == "promoted"
    all_agree(settings, running)
    one_model_per_job(settings)
    assert len(retrains.models(settings)) == 2


def test_killed_between_registering_and_publishing_it_publishes_when_it_is_back(
    settings: Settings, running: Running
) -> None:
    promotions.audited(settings)
    with champion_held(settings) as held:
        job = retrains.send(settings, "train")
        held.until_registering()
        assert held.let_it_register() == [2]
        running["retrain-1"].kill()
    assert retrains.state_of(settings, job) == "promoted"
    assert on_the_topic(settings) == FIRST
    running["retrain-1"].start()
    all_agree(settings, running)
    assert newest(settings).activation == 2
    one_model_per_job(settings)
    assert value(settings, "SELECT count(*) FROM activations") == 2


def test_killed_before_it_publishes_a_shadows_promotion_it_publishes_that_and_the_shadows_end(
    settings: Settings, running: Running
) -> None:
    """Two words that belong together, under two keys."""
    job = promotions.shadowed(settings)
    eventually(lambda: _shadow_role(settings) == "shadow", "the shadow was not published")
    with champion_held(settings) as held:
        promotions.shadow_is_right(settings)
        held.until_registering()
        assert held.let_it_register() == [3, 4]
        running["retrain-1"].kill()
    assert retrains.state_of(settings, job) == "promoted"
    assert (on_the_topic(settings), _shadow_role(settings)) == (FIRST, "shadow")
    running["retrain-1"].start()
    all_agree(settings, running)
    eventually(lambda: _shadow_role(settings) == "none", "the shadow goes on")
    assert newest(settings) == Champion(3, 2)
    for name in ("score-1", "score-2"):
        running[name].wait_for("event=shadow_ended")
    one_model_per_job(settings)


def test_one_that_was_taken_for_dead_changes_nothing_when_it_wakes_up(settings: Settings, running: Running) -> None:
    """It was stopped during a training; another worker has finished the job since, and publishes.

    If it publishes before it has read the other worker's result, it is fenced: then it ends, and is restarted.
    """
    promotions.audited(settings)
    training = retrains.training_process(running["retrain-1"])
    training.suspend()
    job = retrains.send(settings, "train")
    eventually(lambda: retrains.state_of(settings, job) == "running", lambda: running["retrain-1"].log[-3000:])
    running["retrain-1"].send(signal.SIGSTOP)
    training.resume()
    running["retrain-2"] = WorkerProcess(settings, "retrain", "retrain-2")
    assert retrains.ended(settings, job, lambda: running["retrain-2"].log[-3000:])["state"] == "promoted"
    eventually(lambda: on_the_topic(settings) == Champion(2, 2), "the second champion was not published")
    woken = running["retrain-1"]
    woken.send(signal.SIGCONT)
    retrains.ended(settings, retrains.send(settings, "activate", 1))
    eventually(lambda: "event=crashed" in woken.log or " activation=3 " in woken.log, lambda: woken.log[-3000:])
    if "event=crashed" in woken.log:
        eventually(lambda: not woken.running, "it was fenced and lives on")
        woken.start()
    all_agree(settings, running)
    one_model_per_job(settings)
    assert (newest(settings), len(retrains.models(settings))) == (Champion(3, 1), 2)


def test_what_others_write_while_it_is_away_goes_live_nowhere_and_is_mended(
    settings: Settings, running: Running
) -> None:
    """Stale, unsigned, foreign: for a worker that runs, one that starts, and one that was stopped all the while."""
    promotions.audited(settings)
    running["score-2"].send(signal.SIGSTOP)
    retrains.ended(settings, retrains.send(settings, "train"))
    eventually(lambda: on_the_topic(settings) == Champion(2, 2), "the second champion was not published")
    running["retrain-1"].kill()
    bad = _bad_messages(settings)
    for message in bad.values():
        models.publish_value(settings, message)
    assert on_the_topic(settings) is None
    running["score-1"].wait_for("event=model_refused", times=len(bad))
    refused = [one["reason"] for one in events(running["score-1"].log, "model_refused")]
    assert refused == list(bad)
    running["score-1"].kill()
    running["score-1"].start()
    running["score-1"].wait_for("event=model_refused", times=2 * len(bad))
    swapped = [int(one["activation"]) for one in events(running["score-1"].log, "model_swapped")]
    assert swapped == [1, 2, 1, 2]
    running["retrain-1"].start()
    retrains.ended(settings, retrains.send(settings, "activate", 1))
    running["score-2"].send(signal.SIGCONT)
    all_agree(settings, running)
    assert newest(settings) == Champion(3, 1)


def _bad_messages(settings: Settings) -> dict[str, bytes]:
    """By the reason that they are refused for; each but the first would be the newest champion."""
    first = next(one for one in messages(settings, "model-updates") if one.key() == b"champion")
    ours, key = load_signer(settings), Ed25519PrivateKey.generate()
    update = Update(settings.namespace, "champion", 99, models.a_model(9), None, {"trigger": "test"}, 0.0)
    unsigned = {
        name: part for name, part in msgpack.unpackb(encode_update(update, ours)).items() if name != "signature"
    }
    return {
        "stale": first.value(),
        "unreadable": msgpack.packb(unsigned),
        "signature": encode_update(update, Signer(key_id_of(key.public_key()), key)),
        "namespace": encode_update(replace(update, namespace="another"), ours),
    }


def test_a_score_worker_killed_during_a_swap_comes_back_with_it_and_loses_nothing(settings: Settings) -> None:
    """By turns: with the message unread, and at the moment when the swap is due."""
    retrains.load(settings)
    registered.register(settings)
    retrains.load(settings, seed=1, prefix="more")
    registered.register(settings, "former")
    with (
        workers(settings, retrain=1, score=2, store=1) as running,
        Stream(settings, rate=RATE, at_least=RATE) as stream,
    ):
        for number in range(KILLS):
            all_agree(settings, running)
            _kill_at_the_swap(settings, running["score-1"], 2 - number % 2, unread=number % 2 == 0)
        all_agree(settings, running)
        records = stream.finish()
        eventually(lambda: stored(settings) >= records, lambda: f"{stored(settings)} of {records} were stored")
        rows = query(settings, "SELECT count(*), count(DISTINCT id) FROM predictions")[0]
        assert tuple(rows) == (records, records)
        assert newest(settings).activation == 1 + KILLS


def _kill_at_the_swap(settings: Settings, worker: WorkerProcess, version: int, *, unread: bool) -> None:
    activation = newest(settings).activation + 1
    if unread:
        worker.send(signal.SIGSTOP)
    job = retrains.send(settings, "activate", version)
    if unread:
        eventually(lambda: on_the_topic(settings) == (activation, version), "it was not published")
    else:
        eventually(lambda: retrains.state_of(settings, job) == "promoted", "it was not activated")
    worker.kill()
    worker.start()
