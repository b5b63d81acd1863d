"""The condition of a whole deployment, read from each server. A server that is away doesn't hide the others."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from relearn.agents.availability.retry import SETUP
from relearn.agents.driver_errors.line import driver_line
from relearn.agents.kafka.topics import admin_client
from relearn.agents.stores.deployment import read_deployment
from relearn.agents.stores.live.heartbeats import missing_workers, read_workers
from relearn.agents.stores.live.layout import read_recent
from relearn.agents.stores.redis import open_redis
from relearn.agents.stores.training.loop_facts import iso_time_or_none
from relearn.schemas.errors import RelearnError, SetupError, Unavailable
from relearn.schemas.settings import Settings
from relearn.scripts.client import api_state, runfile
from relearn.scripts.client.lag import read_lag

Condition = dict[str, Any]
#: Redis on a busy machine may need more than a worker grants it; a person waits for this command alone.
ANSWERS_WITHIN_S = 3.0


async def read_condition(settings: Settings) -> Condition:
    """All that the servers return now. `servers` and `api` have their states; `up` is False if anything is down.

    Values of a server that is away are None.
    """
    kafka, postgres, redis, api = await asyncio.gather(
        _answer(lambda: _kafka(settings)),
        _answer(lambda: _postgres(settings)),
        _answer(lambda: _redis(settings)),
        api_state.read_api(settings),
    )
    known: Condition = {
        "champion": None,
        "totals": None,
        "dead_letters": None,
        "pauses": None,
        "gaps": None,
        "retraining": None,
    }
    known |= {"lag": None, "workers": None, "recent_records": None}
    for found, _ in (kafka, postgres, redis):
        known |= found or {}
    servers = {
        "kafka": _server(",".join(settings.kafka_brokers), kafka[1]),
        "postgres": _server(without_password(settings.postgres_dsn), postgres[1]),
        "valkey": _server(without_password(settings.redis_url), redis[1]),
    }
    processes = _processes(settings)
    missing = None if known["workers"] is None else missing_workers(settings.expected, known["workers"])
    down = [*what_is_down(servers, processes or {}, api, missing or ()), *stuck(known["workers"] or ())]
    return {
        "namespace": settings.namespace,
        "at": round(time.time(), 3),
        "up": not down,
        "down": down,
        "servers": servers,
        "api": api,
        "processes": processes,
        "missing": missing,
        **known,
    }


def what_is_down(
    servers: Condition, processes: Condition, api: Condition, missing: Sequence[Mapping[str, Any]] = ()
) -> list[str]:
    """Names of servers, processes and missing workers. The API counts only if `relearn up` runs it here.

    A worker that `relearn up` is starting isn't missing.
    """
    down = [name for name, server in servers.items() if server["error"]]
    down += [name for name, process in processes.items() if process["state"] in {"waiting", "dead"}]
    starting = Counter(name.rpartition("-")[0] for name, process in processes.items() if process["state"] == "starting")
    lacking = [(one["expected"] - one["seen"] - starting[one["role"]], one) for one in missing]
    down += [f"{number} of {one['expected']} {one['role']}" for number, one in lacking if number > 0]
    missed = api["state"] == api_state.AWAY and api_state.NAME in processes and api_state.NAME not in down
    return [*down, api_state.NAME] if missed else down


def stuck(workers: Sequence[Mapping[str, Any]]) -> list[str]:
    """The workers that wait until a person changes the deployment; their notice has the remedy."""
    return [
        f"{worker['id']} waits for setup"
        for worker in workers
        if any(one["code"] == SETUP for one in worker.get("notices", ()))
    ]


async def _answer(ask: Callable[[], Awaitable[Condition]]) -> tuple[Condition | None, RelearnError | None]:
    try:
        return await ask(), None
    except RelearnError as exc:
        return None, exc
    except Exception as exc:
        line = driver_line(exc)
        if line is None:
            raise
        return None, SetupError(line)


def _server(address: str, error: RelearnError | None) -> Condition:
    """`state` is up, away, or not ready: it answers, but its topics or tables aren't there."""
    state = "up" if error is None else "away" if isinstance(error, Unavailable) else "not ready"
    return {"state": state, "address": address, "error": None if error is None else str(error)}


async def _kafka(settings: Settings) -> Condition:
    with admin_client(settings) as admin:
        return {"lag": [asdict(lag) for lag in await read_lag(admin, settings)]}


async def _postgres(settings: Settings) -> Condition:
    found = await read_deployment(settings)
    champion, state = found.champion, found.loop.state
    return {
        "champion": None if champion is None else {**champion, "at": champion["at"].isoformat()},
        "totals": dict(found.totals),
        "dead_letters": [dict(row) for row in found.dead_letters],
        "pauses": [{**row, "paused_at": row["paused_at"].isoformat()} for row in found.pauses],
        "gaps": [{**row, "last_at": row["last_at"].isoformat()} for row in found.gaps],
        "retraining": {
            "state": state.name,
            "sentence": state.sentence,
            "since": iso_time_or_none(state.since_s),
            "corrections": found.loop.facts.corrections,
            "labels": found.loop.facts.labels,
            "waiting": found.loop.work.waiting,
            "alerts": [
                {"code": one.code, "detail": one.detail, "since": iso_time_or_none(one.since_s)} for one in state.alerts
            ],
        },
    }


async def _redis(settings: Settings) -> Condition:
    redis = open_redis(settings, answers_within_s=ANSWERS_WITHIN_S, connects_within_s=ANSWERS_WITHIN_S)
    try:
        workers = await read_workers(redis, settings.namespace)
        shown = await read_recent(redis, settings.namespace, batches=1)
    finally:
        await redis.aclose()
    return {"workers": workers, "recent_records": shown.records}


def _processes(settings: Settings) -> Condition | None:
    """The processes of `relearn up` in the data directory; None if it isn't running."""
    run = runfile.load(settings.data_dir)
    if run is None or run.supervisor.alive() is None:
        return None
    return {
        name: {"state": process.state, "pid": process.pid, "restarts": process.restarts, "log": process.log}
        for name, process in run.processes.items()
    }


def without_password(url: str) -> str:
    """An address without its password."""
    parts = urlsplit(url)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}"
