"""The condition of a whole deployment, from each server what it knows. One that is away doesn't hide the others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from relearn.agents.kafka.topics import admin_client
from relearn.agents.stores.live.layout import read_recent
from relearn.agents.stores.postgres import quoted, translated
from relearn.agents.stores.redis import open_redis
from relearn.agents.stores.training.champion import CHAMPION
from relearn.agents.worker.heartbeat import read_workers
from relearn.schemas.errors import RelearnError, Unavailable
from relearn.schemas.settings import Settings
from relearn.scripts.client import api_state, runfile
from relearn.scripts.client.lag import read_lag

Condition = dict[str, Any]
CONNECT_TIMEOUT_S = 3.0

_CHAMPION = f"SELECT version, activation, job, at FROM {CHAMPION} AS champion"  # noqa: S608 - names of our own
_TOTALS = """
SELECT coalesce(sum(records), 0)::bigint AS records, coalesce(sum(expired), 0)::bigint AS expired FROM totals
"""
_DEAD_LETTERS = """
SELECT reason, count(*) AS records, count(*) FILTER (WHERE redriven_at IS NULL) AS open
FROM dead_letters GROUP BY reason ORDER BY open DESC, records DESC, reason
"""
_PAUSES = "SELECT agent, reason, paused_at FROM pauses WHERE resumed_at IS NULL ORDER BY id"


async def read_condition(settings: Settings) -> Condition:
    """Everything that can be known now. `servers` and `api` say which answered; `up` is False if anything is down.

    What only a server that is away knows is None.
    """
    kafka, postgres, redis, api = await asyncio.gather(
        _asked(lambda: _kafka(settings)),
        _asked(lambda: _postgres(settings)),
        _asked(lambda: _redis(settings)),
        api_state.read_api(settings),
    )
    known: Condition = {"champion": None, "totals": None, "dead_letters": None, "pauses": None}
    known |= {"lag": None, "workers": None, "recent_records": None}
    for found, _ in (kafka, postgres, redis):
        known |= found or {}
    servers = {
        "kafka": _server(",".join(settings.kafka_brokers), kafka[1]),
        "postgres": _server(_address(settings.postgres_dsn), postgres[1]),
        "valkey": _server(_address(settings.redis_url), redis[1]),
    }
    processes = _processes(settings)
    down = what_is_down(servers, processes or {}, api)
    return {
        "namespace": settings.namespace,
        "at": round(time.time(), 3),
        "up": not down,
        "down": down,
        "servers": servers,
        "api": api,
        "processes": processes,
        **known,
    }


def what_is_down(servers: Condition, processes: Condition, api: Condition) -> list[str]:
    """Names of what should answer or run and doesn't. An API that isn't run here may be anywhere, or nowhere."""
    down = [name for name, server in servers.items() if server["error"]]
    down += [name for name, process in processes.items() if process["state"] in {"waiting", "dead"}]
    missed = api["state"] == api_state.AWAY and api_state.NAME in processes and api_state.NAME not in down
    return [*down, api_state.NAME] if missed else down


async def _asked(ask: Callable[[], Awaitable[Condition]]) -> tuple[Condition | None, RelearnError | None]:
    try:
        return await ask(), None
    except RelearnError as exc:
        return None, exc


def _server(address: str, error: RelearnError | None) -> Condition:
    """`state` is up, away, or not ready: it answers, but its topics or tables aren't there."""
    state = "up" if error is None else "away" if isinstance(error, Unavailable) else "not ready"
    return {"state": state, "address": address, "error": None if error is None else str(error)}


async def _kafka(settings: Settings) -> Condition:
    return {"lag": [asdict(lag) for lag in await read_lag(admin_client(settings), settings)]}


async def _postgres(settings: Settings) -> Condition:
    with translated():
        connection = await asyncpg.connect(
            settings.postgres_dsn,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=10,
            server_settings={"search_path": quoted(settings.namespace)},
        )
        try:
            champion = await connection.fetchrow(_CHAMPION)
            totals = await connection.fetchrow(_TOTALS)
            dead_letters = await connection.fetch(_DEAD_LETTERS)
            pauses = await connection.fetch(_PAUSES)
        finally:
            await connection.close(timeout=CONNECT_TIMEOUT_S)
    return {
        "champion": None if champion is None else {**champion, "at": champion["at"].isoformat()},
        "totals": dict(totals),
        "dead_letters": [dict(row) for row in dead_letters],
        "pauses": [{**row, "paused_at": row["paused_at"].isoformat()} for row in pauses],
    }


async def _redis(settings: Settings) -> Condition:
    redis = open_redis(settings)
    try:
        workers = await read_workers(redis, settings.namespace)
        shown = await read_recent(redis, settings.namespace, batches=1)
    finally:
        await redis.aclose()
    return {"workers": workers, "recent_records": shown.records}


def _processes(settings: Settings) -> Condition | None:
    """What `relearn up` runs in the data directory; None where it doesn't run."""
    run = runfile.load(settings.data_dir)
    if run is None or run.supervisor.alive() is None:
        return None
    return {
        name: {"state": process.state, "pid": process.pid, "restarts": process.restarts, "log": process.log}
        for name, process in run.processes.items()
    }


def _address(url: str) -> str:
    """An address without its password."""
    parts = urlsplit(url)
    where = parts.hostname or ""
    return f"{where}:{parts.port}{parts.path}" if parts.port else f"{where}{parts.path}"
