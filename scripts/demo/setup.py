"""Prepares a run: the first champion, workers that have caught up, and everything that a scenario uses."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from relearn.agents.kafka.topics import admin_client, topic_id
from relearn.agents.stores.live.heartbeats import read_workers
from relearn.agents.stores.postgres import Pool, open_pool
from relearn.agents.stores.redis import Redis, open_redis
from relearn.agents.stores.topic_generations import register_generation
from relearn.agents.stores.training.examples import read_schema
from relearn.agents.stores.training.models import ModelRow, champion_digest, read_model
from relearn.schemas.errors import Refused, SetupError, Unavailable
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from relearn.scripts.client.lag import read_lag
from relearn.scripts.data.bootstrap import train_on
from relearn.scripts.data.datasets import Dataset
from relearn.scripts.demo.checks.counts import count_before
from relearn.scripts.demo.checks.held_back import registered
from relearn.scripts.demo.display.console import DemoConsole
from relearn.scripts.demo.display.figures import percent
from relearn.scripts.demo.monitor import Monitor
from relearn.scripts.demo.options import DataParts, DemoOptions
from relearn.scripts.demo.scenarios import DemoRun
from relearn.scripts.demo.traffic.reviewer import make_reviewer
from relearn.scripts.demo.traffic.shift import choose_shift
from relearn.scripts.demo.traffic.stream import DemoStream
from relearn.scripts.demo.watch.drift import DriftWatch
from relearn.scripts.demo.watch.retrains import RetrainWatch
from relearn.scripts.demo.watch.rows import RowWatch

#: The number of workers of each role.
ROLES = {"score": 2, "store": 1, "feedback": 1, "retrain": 1}
#: The largest difference allowed between this machine's clock and the broker's.
CLOCKS_S = 300.0
TRAIN_TIMEOUT_S = 180.0
READY_TIMEOUT_S = 120.0
LOOK_EVERY_S = 0.2


@asynccontextmanager
async def prepared(
    settings: Settings, parts: DataParts, options: DemoOptions, console: DemoConsole
) -> AsyncIterator[DemoRun]:
    """A run with a first champion and all workers ready, before its stream starts; stopped and closed after the block.

    Raises:
        Refused, SetupError: the run can't be prepared, and why.
    """
    pool, redis = await open_pool(settings, size=4), open_redis(settings)
    run_id = f"demo-{uuid.uuid4().hex[:8]}"
    stream = DemoStream(settings, parts.real, run_id, options.seed)
    try:
        model = await _first_model(settings, pool, parts.training, console)
        with console.step("workers", "waiting for the workers") as step:
            workers = await _until_caught_up(settings, redis, ROLES, step.now)
            step.done = f"{', '.join(worker['id'] for worker in workers)} ready"
        shift = None
        if options.drift:
            shift = choose_shift(await registered(pool, model.version), parts.real, options.seed)
        before = await count_before(settings, pool)
        ingest = topic_name(settings.namespace, "ingest")
        with admin_client(settings) as admin:
            generation = await register_generation(pool, ingest, await topic_id(admin, ingest))
        rows = RowWatch(pool, generation, time.time() - CLOCKS_S)
        monitor = Monitor(settings.namespace, run_id, before, stream, rows, redis, workers=workers)

        def report(name: str, text: str, style: str = "") -> None:
            console.report(name, text, monitor.elapsed_s(), style)

        reviewer = make_reviewer(settings, pool, parts.real, run_id, options.seed)
        retrains = RetrainWatch(settings, pool, report, lambda: monitor.workers)
        drift = DriftWatch(pool, report, reviewer.on_drift)
        run = DemoRun(parts, shift, monitor, reviewer, retrains, drift, report, model)
        monitor.polls, monitor.learning = (retrains.poll, drift.poll), run.learning
        await retrains.begin()
        yield run
    finally:
        await asyncio.to_thread(stream.stop)
        pool.terminate()
        await redis.aclose()


async def _first_model(settings: Settings, pool: Pool, training: Dataset, console: DemoConsole) -> ModelRow:
    """The champion of an earlier run, else one that is trained now."""
    await _check_features(pool, training)
    with console.step("model", "training the first champion") as step:
        found = await champion_digest(pool)
        model = None if found is None else await read_model(pool, found[0])
        if model is not None:
            step.done = f"champion {model.version} of an earlier run, trained on {model.examples:,} labels"
        else:
            model = await _train_first_champion(settings, training, step.now)
            right = percent(model.metrics.get("accuracy"))
            step.done = f"champion {model.version}, trained on {model.examples} labels: {right} right out of fold"
    return model


async def _check_features(pool: Pool, dataset: Dataset) -> None:
    """Return if the namespace has no features yet, or those of this data set.

    Raises:
        Refused: its records have other features.
    """
    schema = await read_schema(pool)
    if schema is not None and schema.names != dataset.schema.names:
        raise Refused(
            f"what is stored here has other features than {dataset.name} ({len(schema)}, not "
            f"{len(dataset.feature_names)}): set RELEARN_NAMESPACE, or RELEARN_DATA_DIR, to a name of your own"
        )


async def _train_first_champion(settings: Settings, rows: Dataset, on_state: Callable[[str], None]) -> ModelRow:
    """Train the first champion on labelled rows, as `relearn model train` does.

    Raises:
        Refused: the model was not promoted, and why.
        SetupError: no worker trained it in time.
    """
    outcome = await train_on(settings, rows, timeout_s=TRAIN_TIMEOUT_S, on_state=on_state)
    if outcome.job is None or outcome.job.ended_at is None:
        raise SetupError("no retrain worker has trained the first model; see `relearn status`, and retrain-1.log")
    if not outcome.promoted or outcome.model is None:
        raise Refused(f"the first model was {outcome.job.state}: {outcome.job.error or 'no reason given'}")
    return outcome.model


async def _until_caught_up(
    settings: Settings, redis: Redis, roles: Mapping[str, int], on_state: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Wait until the workers of each role are ready and all messages of earlier runs are processed; the heartbeats.

    Raises:
        SetupError: they weren't ready in time, and what was missing.
    """
    deadline, missing = time.monotonic() + READY_TIMEOUT_S, "no heartbeat"
    with admin_client(settings) as admin:
        while time.monotonic() < deadline:
            try:
                beats = await read_workers(redis, settings.namespace)
                # A standby worker of a role beside these needn't be ready.
                wanted = Counter(roles) - Counter(beat["role"] for beat in beats if beat["condition"] == "ready")
                unready = [f"{beat['id']} {beat['condition']}" for beat in beats if beat["role"] in wanted]
                lag = sum(lag.lag for lag in await read_lag(admin, settings) if not lag.group.endswith(".retrain"))
            except Unavailable as exc:
                missing = str(exc)
            else:
                if not wanted and not lag:
                    return beats
                silent = f"no heartbeat of {', '.join(wanted)} yet"
                left = f"{lag:,} messages of earlier runs are left"
                missing = "; ".join(unready) or (silent if wanted else left)
            on_state(missing)
            await asyncio.sleep(LOOK_EVERY_S)
    raise SetupError(f"the workers weren't ready within {READY_TIMEOUT_S:.0f} s: {missing}")
