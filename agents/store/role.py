"""The store role: `predictions` → rows in Postgres, then the recent view in Redis; `dead-letters` → their table.

predictions ──▶ agent: StoreWriter.take_blocks ──▶ predictions, totals, batches ──▶ Redis
dead-letters ─▶ agent: StoreWriter.take_letters ─▶ dead_letters
                task: StoreWriter.maintain ──────▶ drops expired partitions, fills the recent view
"""

from __future__ import annotations

from typing import Any

import faust

from relearn.agents.store.writer import IN_FLIGHT, StoreWriter
from relearn.agents.worker.app import make_app
from relearn.agents.worker.consumer import chunk_topic
from relearn.agents.worker.heartbeat import attach_heartbeat
from relearn.agents.worker.loop import process_chunks
from relearn.agents.worker.offset_watch import attach_offset_watch
from relearn.agents.worker.readiness import attach_readiness
from relearn.agents.worker.shutdown import run_until_stopped
from relearn.agents.worker.state import WorkerState
from relearn.agents.worker.watchdog import attach_watchdog
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name


def build(settings: Settings, worker_id: str | None) -> faust.App:
    """The Faust app of one store worker."""
    app = make_app(settings, "store", worker_id)
    state = WorkerState(worker_id or "store", "store")

    def stop() -> bool:
        return bool(app.should_stop or app.rebalancing)

    writer = StoreWriter(settings, state, stop=stop)

    async def store_predictions(stream: Any) -> None:
        await process_chunks(app, state, stream, writer.take_blocks, stop=stop, in_flight=IN_FLIGHT)

    async def store_letters(stream: Any) -> None:
        await process_chunks(app, state, stream, writer.take_letters, stop=stop)

    async def maintain() -> None:
        await run_until_stopped(app, lambda: writer.maintain(lambda: app.should_stop))

    app.agent(chunk_topic(app, topic_name(settings.namespace, "predictions")))(store_predictions)
    app.agent(chunk_topic(app, topic_name(settings.namespace, "dead-letters")))(store_letters)
    app.task(maintain)
    attach_readiness(app, state, waiting_for="Postgres", holds=lambda: writer.ready)
    attach_heartbeat(app, settings, state)
    attach_offset_watch(app, settings, state)
    attach_watchdog(app, state)
    app.on_before_shutdown.connect(writer.close, weak=False)
    return app
