"""Judging a shadow: the evidence is read when there is new evidence, and no server's clock ends a shadow."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from relearn.agents.kafka.limits import MessageLimits
from relearn.agents.models.signing_keys import load_signer
from relearn.agents.retrain.context import RetrainContext
from relearn.agents.retrain.shadow_job import LONGEST_LOOK_S, ShadowJudge
from relearn.agents.stores.training.jobs import open_shadow, read_job
from relearn.agents.worker.state import WorkerState
from relearn.schemas.settings import Settings
from tests.support.data import retrains, reviewed
from tests.support.data.registered import register
from tests.support.data.rows import query


def test_evidence_is_read_when_it_changes_and_time_is_counted_by_the_worker(migrated: Settings) -> None:
    """Postgres' clock jumps 40 days ahead and back meanwhile, as the times of the activation and the job show."""
    settings = migrated.model_copy(update={"shadow_s": 100.0})
    retrains.load(settings, 40)
    assert (register(settings), register(settings, "shadow")) == (1, 2)
    champion, shadow = (reviewed.model_of(settings, version) for version in (1, 2))
    features, truth = reviewed.records(10)
    offsets, _, _ = reviewed.predict(settings, features, champion, shadow=shadow)
    now_s = 50.0

    async def run() -> None:
        nonlocal now_s
        unused: Any = SimpleNamespace(current=None, last=lambda _: (0, None))
        context = RetrainContext(
            settings,
            WorkerState("retrain-1", "retrain"),
            unused,
            unused,
            load_signer(settings),
            MessageLimits(settings),
            stop=lambda: False,
            in_charge=lambda: True,
        )
        pool = await context.pool()
        job = await open_shadow(pool)
        assert job is not None
        judge = ShadowJudge(context, job, clock=lambda: now_s)
        for _ in range(3):
            now_s += 1.0
            assert not await judge.judge()
        assert judge.readings == 1
        await asyncio.to_thread(reviewed.review, settings, offsets[:2], truth[:2])
        assert not await judge.judge()
        assert not await judge.judge()
        assert judge.readings == 2
        for jump in ("40 days", "-40 days"):
            query(settings, f"UPDATE activations SET at = at + interval '{jump}'")
            query(settings, f"UPDATE jobs SET queued_at = queued_at + interval '{jump}'")
            assert not await judge.judge()
        # A process that was suspended for a year watched nothing in that time; another worker goes on from there.
        now_s += 3e7
        assert not await judge.judge()
        after = ShadowJudge(context, job, clock=lambda: now_s)
        while not await after.judge():
            now_s += LONGEST_LOOK_S
        ended = await read_job(pool, job.id)
        assert ended is not None and ended.state == "rejected" and ended.error is not None
        assert ended.error.startswith("not known to be better after 10")
        assert ended.metrics is not None and ended.metrics["gate"]["shadow"]["shadow"]["rows"] == 2
        context.close()

    asyncio.run(run())
