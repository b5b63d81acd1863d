"""The results role: `predictions` → `results`. Its group is its own, so it delays no other role.

    predictions ─▶ agent: ResultSender.take ─▶ results

It runs where RELEARN_RESULTS is not `off` (`docs/decisions/results.md`).
"""

from __future__ import annotations

from typing import Any

import faust

from relearn.agents.results.sender import IN_FLIGHT, ResultSender
from relearn.agents.worker.app import make_app
from relearn.agents.worker.consumer import chunk_topic
from relearn.agents.worker.heartbeat import attach_heartbeat
from relearn.agents.worker.loop import process_chunks
from relearn.agents.worker.offset_watch import attach_offset_watch
from relearn.agents.worker.readiness import attach_readiness
from relearn.agents.worker.state import WorkerState
from relearn.agents.worker.watchdog import attach_watchdog
from relearn.schemas.errors import SettingsError
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name


def build(settings: Settings, worker_id: str | None) -> faust.App:
    """The Faust app of one results worker.

    Raises:
        SettingsError: results are off, or packages for Avro are missing.
    """
    if settings.results == "off":
        raise SettingsError("RELEARN_RESULTS=off: a results worker has nothing to send; set it to json or avro")
    if settings.results == "avro":
        _check_packages()
    app = make_app(settings, "results", worker_id)
    state = WorkerState(worker_id or "results", "results")

    def stop() -> bool:
        return bool(app.should_stop or app.rebalancing)

    sender = ResultSender(settings, state, stop=stop)

    async def send_results(stream: Any) -> None:
        await process_chunks(app, state, stream, sender.take, stop=stop, in_flight=IN_FLIGHT)

    app.agent(chunk_topic(app, topic_name(settings.namespace, "predictions")))(send_results)
    attach_readiness(app, state, waiting_for="Kafka", holds=lambda: True)
    attach_heartbeat(app, settings, state)
    attach_offset_watch(app, settings, state)
    attach_watchdog(app, state)
    app.on_before_shutdown.connect(sender.close, weak=False)
    return app


def _check_packages() -> None:
    try:
        import relearn.agents.results.avro  # noqa: F401, PLC0415 - optional
    except ImportError as exc:
        raise SettingsError(f"RELEARN_RESULTS=avro: {exc.name} is missing: pip install 'relearn[registry]'") from exc
