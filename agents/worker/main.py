"""The entry point of a worker process: its role, its logging, what it waits for, and how it stops.

A worker joins its group once Kafka answers and the servers fit: what doesn't would end the process again and again.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from contextlib import suppress
from signal import SIGINT, SIGTERM, Signals, getsignal, signal
from typing import Any

import faust
import psutil
import structlog

from relearn.agents.kafka.admin import Admin
from relearn.agents.kafka.topic_fit import check_topics
from relearn.agents.kafka.topics import admin_client
from relearn.agents.stores.database_fit import check_database
from relearn.agents.stores.live.heartbeats import read_worker, send_heartbeat
from relearn.agents.stores.postgres import Pool, open_pool
from relearn.agents.stores.redis import Redis, open_redis
from relearn.agents.worker.heartbeat import heartbeat
from relearn.agents.worker.logging import set_up_logging
from relearn.agents.worker.shutdown import STOP_GRACE_S, end_fenced, excuse_messages, exit_within
from relearn.agents.worker.state import ProcessMark, WorkerState, own_process
from relearn.schemas.errors import KafkaUnavailable, RedisUnavailable, SetupError, Unavailable
from relearn.schemas.settings import Settings

log = structlog.get_logger()

#: A worker without a new heartbeat for this time has ended. Heartbeats are sent each second.
_SILENT_S = 3.0
_POLL_S = 0.1
#: Pause between two comparisons of servers that don't fit, or of a Kafka that doesn't answer.
_LOOK_EVERY_S = 1.0

ROLES = {
    "score": "relearn.agents.score.role",
    "store": "relearn.agents.store.role",
    "feedback": "relearn.agents.feedback.role",
    "retrain": "relearn.agents.retrain.role",
    "results": "relearn.agents.results.role",
}


def run_worker(settings: Settings, role: str, worker_id: str | None) -> int:
    """Run one worker until SIGTERM, Ctrl-C or an error that it can't handle; the exit code."""
    set_up_logging(settings.log_level, role=role, worker=worker_id or role)
    if worker_id is not None and asyncio.run(is_id_in_use(settings, worker_id)):
        end_fenced(f"{settings.namespace}.{worker_id}", "another worker with this id is running; this worker ends")
    app: faust.App = importlib.import_module(ROLES[role]).build(settings, worker_id)
    app.finalize()
    before = getsignal(SIGTERM)
    fit = asyncio.run(until_servers_fit(settings, WorkerState(worker_id or role, role)))
    signal(SIGTERM, before)  # the event loop has left the default one; Faust sets its own
    if fit:
        worker = _QuietWorker(app, loglevel=None, redirect_stdouts=False, override_logging=False)
        worker.execute_from_commandline()
    return 0


async def until_servers_fit(settings: Settings, state: WorkerState) -> bool:
    """Wait while Kafka doesn't answer, or a server answers and doesn't fit; False if asked to stop meanwhile.

    Heartbeats tell why. A Postgres that doesn't answer is not waited for here: the role itself does.
    """
    stop = asyncio.Event()
    for number in (SIGTERM, SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    admin, pool, redis = admin_client(settings), await open_pool(settings, size=1), open_redis(settings)
    beats = asyncio.create_task(_beat(redis, settings, state))
    told = None
    try:
        while (problem := await _obstacle(admin, pool, settings, state.role)) is not None and not stop.is_set():
            if str(problem) != told:
                _show(state, problem)
                told = str(problem)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _LOOK_EVERY_S)
        return not stop.is_set()
    finally:
        beats.cancel()
        await asyncio.gather(beats, return_exceptions=True)
        pool.terminate()
        await redis.aclose()
        admin.close()


async def _obstacle(admin: Admin, pool: Pool, settings: Settings, role: str) -> SetupError | KafkaUnavailable | None:
    """Why a server can't be used; None if there is no reason to wait."""
    checks = check_topics(admin, settings, role), check_database(pool)
    results = await asyncio.gather(*checks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, (SetupError, Unavailable)):
            raise result
    return next((result for result in results if isinstance(result, (SetupError, KafkaUnavailable))), None)


def _show(state: WorkerState, problem: SetupError | KafkaUnavailable) -> None:
    state.notices.clear("servers")
    if isinstance(problem, KafkaUnavailable):
        state.stage = "waiting for Kafka"
        log.warning("waiting", what="Kafka", error=str(problem))
    else:
        state.stage = "waiting for servers that fit"
        state.notices.set("servers", str(problem))


async def _beat(redis: Redis, settings: Settings, state: WorkerState) -> None:
    """Send a heartbeat each second, until cancelled. The comparison of the servers takes seconds if one is away."""
    while True:
        await asyncio.sleep(1.0)
        try:
            await send_heartbeat(redis, settings.namespace, heartbeat(None, state, rate=0.0, now_s=time.time()))
        except RedisUnavailable as exc:
            log.debug("heartbeat_lost", error=str(exc))


async def is_id_in_use(settings: Settings, worker_id: str) -> bool:
    """Whether a worker with this id is alive, by its heartbeats. Joining the group would end that worker.

    A process of this machine is looked up. The heartbeats of another machine are watched for a moment: a killed worker
    sends none. False while Redis is unavailable: then the group decides, and the newest worker wins.
    """
    redis = open_redis(settings)
    try:
        first = await read_worker(redis, settings.namespace, worker_id)
        mark = _mark_of(first)
        if first is None or mark is None or mark == own_process():
            return False
        if mark.host == own_process().host:
            return _is_alive(mark)
        deadline_s = time.monotonic() + _SILENT_S
        while time.monotonic() < deadline_s:
            await asyncio.sleep(_POLL_S)
            beat = await read_worker(redis, settings.namespace, worker_id)
            if beat is not None and beat.get("seen_at") != first.get("seen_at"):
                return True
    except RedisUnavailable as exc:
        log.debug("id_not_checked", error=str(exc))
    finally:
        await redis.aclose()
    return False


def _mark_of(beat: dict[str, Any] | None) -> ProcessMark | None:
    """The process that wrote a heartbeat; None where the heartbeat doesn't tell."""
    match beat:
        case {"process": [str(host), int(pid), int() | float() as started]}:
            return ProcessMark(host, pid, started)
    return None


def _is_alive(mark: ProcessMark) -> bool:
    try:
        process = psutil.Process(mark.pid)
        return bool(process.create_time() == mark.started and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class _QuietWorker(faust.Worker):
    """Faust's worker without its banner and spinner. Logging is set up already, and stopping is bounded in time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.spinner = None

    def _on_startup_end_spinner(self) -> None:
        """Nothing: `worker_ready` is logged once the worker is ready."""

    def _schedule_shutdown(self, signal: Signals) -> None:
        """Stop in order, within STOP_GRACE_S: an unavailable broker never answers the last commit."""
        excuse_messages(self.app)
        exit_within(STOP_GRACE_S)
        super()._schedule_shutdown(signal)

    def _setup_logging(self) -> None:
        """Nothing: `set_up_logging` has run."""

    def carp(self, msg: str) -> None:
        """Nothing: a log has key=value lines only, those of the stop at Ctrl-C among them."""

    async def _sentinel_task(self) -> None:
        """Return at once. Mode sleeps a second here, after every service and task has ended."""
