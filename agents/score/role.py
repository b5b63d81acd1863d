"""The score role: `ingest` → one matrix product per chunk → `predictions`; rejected records → `dead-letters`.

    ingest ─▶ agent: Scorer.score ─▶ predictions, dead-letters
    model-updates ─▶ task, agent: the model feed ─▶ the live model

No record is scored before a model is live: chunks wait, their offsets uncommitted.
"""

from __future__ import annotations

from typing import Any

import faust

from relearn.agents.availability.retry import wait_until
from relearn.agents.models.live import LiveModel
from relearn.agents.score.scorer import IN_FLIGHT, Scorer
from relearn.agents.worker.app import make_app
from relearn.agents.worker.consumer import Chunk, chunk_topic
from relearn.agents.worker.heartbeat import attach_heartbeat
from relearn.agents.worker.loop import Receipts, process_chunks
from relearn.agents.worker.model_feed import attach_model_feed
from relearn.agents.worker.offset_watch import attach_offset_watch
from relearn.agents.worker.readiness import attach_readiness
from relearn.agents.worker.shutdown import run_until_stopped
from relearn.agents.worker.state import WorkerState
from relearn.agents.worker.watchdog import attach_watchdog
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name


def build(settings: Settings, worker_id: str | None) -> faust.App:
    """The Faust app of one score worker.

    Raises:
        SettingsError: there is no key to verify models with.
    """
    app = make_app(settings, "score", worker_id)
    live = LiveModel()
    state = WorkerState(worker_id or "score", "score", live=live)
    feed = attach_model_feed(app, settings, live, state.notices)
    scorer = Scorer(settings, state, live, stop=lambda: app.should_stop or app.rebalancing)

    def has_model() -> bool:
        return feed.caught_up.is_set() and live.current is not None

    async def score_ingest(stream: Any) -> None:
        async def score(chunk: Chunk) -> Receipts:
            if not has_model():
                with state.meanwhile("waiting for a first model"):
                    await wait_until(has_model, stop=scorer.stop)
            return await scorer.score(chunk)

        await process_chunks(app, state, stream, score, stop=scorer.stop, in_flight=IN_FLIGHT)

    async def watch_pause() -> None:
        await run_until_stopped(app, lambda: scorer.watch_pause(lambda: app.should_stop))

    app.task(watch_pause)
    app.agent(chunk_topic(app, topic_name(settings.namespace, "ingest")))(score_ingest)
    attach_readiness(app, state, waiting_for="a first model", holds=has_model)
    attach_heartbeat(app, settings, state)
    attach_offset_watch(app, settings, state)
    attach_watchdog(app, state)
    app.on_before_shutdown.connect(scorer.close, weak=False)
    return app
