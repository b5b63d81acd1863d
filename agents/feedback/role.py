"""The feedback role: `feedback` → `corrections` in Postgres; unusable messages → `dead-letters`.

    feedback ─▶ agent: Recorder.take ─▶ corrections
                       │                     ▲
                       └─▶ waiting_feedback ─┴─ task: Recorder.sweep ─▶ dead-letters, after a time limit

    corrections, jobs ─▶ task: PolicyWatch ─▶ commands         predictions ─▶ task: DriftWatch ─▶ drift

Feedback may arrive before the store worker has committed its prediction. Such a statement waits in Postgres, its offset
committed, and delays no other message.
"""

from __future__ import annotations

from typing import Any

import faust
from faust.types import TP

from relearn.agents.feedback.drift_watch import DriftWatch
from relearn.agents.feedback.policy_watch import PolicyWatch
from relearn.agents.feedback.recorder import Recorder
from relearn.agents.kafka.producer import KafkaProducer
from relearn.agents.stores.postgres import Pool
from relearn.agents.worker.app import make_app
from relearn.agents.worker.consumer import chunk_topic
from relearn.agents.worker.heartbeat import attach_heartbeat
from relearn.agents.worker.loop import process_chunks
from relearn.agents.worker.offset_watch import attach_offset_watch
from relearn.agents.worker.readiness import assigned, attach_readiness
from relearn.agents.worker.shutdown import run_until_stopped
from relearn.agents.worker.state import WorkerState
from relearn.agents.worker.watchdog import attach_watchdog
from relearn.schemas.settings import Settings


def build(settings: Settings, worker_id: str | None) -> faust.App:
    """The Faust app of one feedback worker."""
    app = make_app(settings, "feedback", worker_id)
    state = WorkerState(worker_id or "feedback", "feedback")
    recorder = Recorder(settings, state, stop=lambda: app.should_stop, moving=lambda: app.rebalancing)

    async def take_feedback(stream: Any) -> None:
        await process_chunks(app, state, stream, recorder.take, stop=lambda: app.should_stop or app.rebalancing)

    async def sweep() -> None:
        await run_until_stopped(app, recorder.sweep)

    def in_charge() -> bool:
        return TP(recorder.topic, 0) in assigned(app)

    async def pool() -> Pool:
        return (await recorder.opened()).pool

    async def producer() -> KafkaProducer:
        return (await recorder.opened()).producer

    source = f"/{settings.namespace}/{state.id}"
    policy = PolicyWatch(settings, source, recorder.retry, pool, producer, in_charge, recorder.news)
    drift = DriftWatch(settings, recorder.retry, pool, in_charge, recorder.news.set)

    async def watch_policy() -> None:
        await run_until_stopped(app, policy.run)

    async def watch_drift() -> None:
        await run_until_stopped(app, drift.run)

    app.agent(chunk_topic(app, recorder.topic))(take_feedback)
    app.task(sweep)
    app.task(watch_policy)
    app.task(watch_drift)
    attach_readiness(app, state, waiting_for="Kafka and Postgres", holds=lambda: recorder.ready)
    attach_heartbeat(app, settings, state)
    attach_offset_watch(app, settings, state)
    attach_watchdog(app, state)
    app.on_before_shutdown.connect(recorder.close, weak=False)
    return app
