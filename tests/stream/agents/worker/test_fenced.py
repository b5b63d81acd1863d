"""Two workers with one id: the older one ends, or the newer one where it can see the older one's heartbeat."""

from __future__ import annotations

import asyncio

import numpy as np

from relearn.agents.stores.live.heartbeats import read_worker
from relearn.agents.stores.redis import open_redis
from relearn.agents.worker.shutdown import FENCED_EXIT_CODE
from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.settings import Settings
from tests.support.data import models
from tests.support.data.rows import caught_up
from tests.support.processes.workers import WorkerProcess, workers
from tests.support.servers.topics import Topic
from tests.support.waiting import eventually


def _is_seen(settings: Settings) -> bool:
    """Whether the worker's heartbeat can be read."""

    async def read() -> bool:
        redis = open_redis(settings)
        try:
            return await read_worker(redis, settings.namespace, "score-1") is not None
        finally:
            await redis.aclose()

    return asyncio.run(read())


def test_one_id_belongs_to_one_worker(migrated: Settings) -> None:
    models.publish(migrated, models.a_model(), 1)
    with workers(migrated, score=1) as running:
        first = running["score-1"]
        first.wait_for("worker_ready")
        eventually(lambda: _is_seen(migrated), lambda: first.log[-3000:])
        second = WorkerProcess(migrated, "score", "score-1", log_name="second")
        assert second.ended() == FENCED_EXIT_CODE
        assert second.log.count("event=fenced") == 1
        assert "another worker with this id is running" in second.log
        assert first.running

        # A worker that can't see heartbeats joins the group, which ends the other.
        blind = migrated.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
        third = WorkerProcess(blind, "score", "score-1", log_name="third")
        running["third"] = third
        assert first.ended() == FENCED_EXIT_CODE
        assert first.log.count("event=fenced") == 1
        assert "another worker with this id has joined the group" in first.log
        Topic(migrated, "ingest").send(0, *[encode_record(np.ones(4))] * 10)
        eventually(lambda: caught_up(migrated, "score", "ingest"), lambda: third.log[-3000:])
        assert third.running
        for worker in (first, second, third):
            assert [line for line in worker.log.splitlines() if not line.startswith("timestamp=")] == []
