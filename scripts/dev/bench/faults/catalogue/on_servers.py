"""Servers killed, away, full, flushed; deadlocks."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import redis

from relearn.agents.stores.postgres import quoted
from relearn.scripts.dev.bench.faults.fault import Fault
from relearn.scripts.dev.bench.faults.probe import until
from relearn.scripts.dev.bench.faults.scene import Scene
from relearn.scripts.dev.bench.faults.servers import LoopThread, Server
from relearn.scripts.embedded.servers import postgres

#: Storing waits for Redis at most for its timeouts, which bound one pipeline.
_REDIS_PAUSE_BAR_S = 5.0
_COPYING = """
SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND query LIKE 'COPY %' AND state = 'active'
"""
_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
#: Store workers that have written to `predictions` and wait for this session.
_WAITING_FOR_US = """
SELECT count(*) FROM pg_locks
WHERE granted AND mode = 'RowExclusiveLock' AND relation = 'predictions'::regclass
    AND pg_backend_pid() = ANY (pg_blocking_pids(pid))
"""
_TABLESPACE = "faults_small"
#: Room for what comes during the longest outage, once the ballast is gone.
_TABLESPACE_MB = 512
#: A score worker buffers what the broker doesn't take; nothing else may grow.
_GROWTH_MIB = 300


def _away(
    scene: Scene, server: Server, seconds: float, *, kill: bool = False, at_end: Callable[[], None] | None = None
) -> None:
    """The server is away for this time; then everything must be drained within twice that, plus what starting takes."""
    began = time.monotonic()
    if kill:
        server.kill()
    else:
        server.stop()
    try:
        time.sleep(seconds)
        if at_end is not None:
            at_end()
    finally:
        server.start()
    outage = time.monotonic() - began
    took = max(scene.goes_on("score"), scene.goes_on("store"))
    scene.measure(f"{server.name} was away", outage, "s")
    scene.measure(f"drained after {server.name} was back", took, "s", 2 * outage)


def broker_killed(scene: Scene) -> None:
    """kill -9 of the broker, started again at once; the last time it stays away."""
    for number in range(scene.scale.broker_kills):
        last = number == scene.scale.broker_kills - 1
        scene.stores(500)
        _away(scene, scene.machine.kafka, scene.scale.broker_away_s if last else 0.0, kill=True)


def postgres_away(scene: Scene) -> None:
    """Stopped in order, started again after a while. Scoring goes on meanwhile, in bounded memory."""
    scene.stores(500)
    memory = {name: worker.memory_bytes for name, worker in scene.workers.items()}
    scored, ended = sum(scene.probe.ends("predictions").values()), scene.unexpected_ends()
    peaks: dict[str, int] = {}

    def look() -> None:
        peaks.update({name: worker.memory_bytes - memory[name] for name, worker in scene.workers.items()})
        still = sum(scene.probe.ends("predictions").values()) <= scored
        scene.measure("scoring stood still while Postgres was away", still, bar=0)

    _away(scene, scene.machine.postgres, scene.scale.postgres_away_s, at_end=look)
    scene.measure("memory grew while Postgres was away, at most", max(peaks.values()) / 2**20, "MiB", _GROWTH_MIB)
    scene.measure("workers that ended while Postgres was away", scene.unexpected_ends() - ended, bar=0)


def postgres_killed(scene: Scene) -> None:
    """kill -9 while a store worker copies rows."""
    scene.stores(500)
    found: list[int] = []

    def copying() -> bool:
        found[:] = [int(scene.probe.value(_COPYING, scene.settings.namespace))]
        return found[0] > 0

    began = time.monotonic()
    while not copying() and time.monotonic() - began < 20:
        time.sleep(0.002)
    scene.measure("COPY statements that ran when it was killed", found[0])
    _away(scene, scene.machine.postgres, 0.0, kill=True)


def deadlocks(scene: Scene) -> None:
    """Another session locks all totals, and then the table whose rows a waiting store worker has just written."""
    before = int(scene.probe.value(_DEADLOCKS))
    loop = LoopThread()
    try:
        for _ in range(scene.scale.deadlocks):
            scene.stores(500)
            loop.call(_deadlock(scene))
    finally:
        loop.close()
    wanted = scene.scale.deadlocks

    def inflicted() -> int:
        return int(scene.probe.value(_DEADLOCKS)) - before

    until(lambda: inflicted() >= wanted, lambda: f"{inflicted()} of {wanted} deadlocks happened", 30)
    scene.measure("deadlocks, each lost by a store worker", inflicted())
    scene.measure("goes on after the deadlocks", scene.goes_on("store"), "s")


async def _deadlock(scene: Scene) -> None:
    """Postgres ends the transaction of the worker: its session looks for deadlocks long before this one does."""
    path = {"search_path": quoted(scene.settings.namespace)}
    connection: Any = await asyncpg.connect(scene.machine.operator_dsn, server_settings=path)
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL deadlock_timeout = '60s'")
            await connection.execute("SELECT FROM totals FOR UPDATE")
            async with asyncio.timeout(30):
                while not await connection.fetchval(_WAITING_FOR_US):  # noqa: ASYNC110 - another server's state
                    await asyncio.sleep(0.02)
            await connection.execute("LOCK TABLE predictions IN EXCLUSIVE MODE")
    finally:
        await connection.close()


def disk_full(scene: Scene) -> None:
    """The tables move to a tablespace on a small tmpfs, which a file fills until it is removed."""
    directory = Path(tempfile.mkdtemp(prefix="relearn-faults-disk-"))
    directory.chmod(0o755)  # Postgres may run as another user
    subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", f"size={_TABLESPACE_MB}m,mode=0777", "tmpfs", str(directory)], check=True
    )
    try:
        _fill(scene, directory)
    finally:
        _leave(scene, directory)


def _fill(scene: Scene, directory: Path) -> None:
    place = directory / "postgres"
    place.mkdir()
    owner = os.stat(_data_of(scene))  # noqa: PTH116 - one call, no object
    os.chown(place, owner.st_uid, owner.st_gid)
    _as_operator(scene, f"CREATE TABLESPACE {_TABLESPACE} LOCATION '{place}'")
    scene.traffic.hold()
    scene.drained()
    _move(scene, _TABLESPACE)
    scene.traffic.go_on()
    scene.stores(500)
    ballast = directory / "ballast"
    with ballast.open("wb") as file:
        try:
            while file.write(bytes(65_536)):
                file.flush()
        except OSError:  # it is full, which is the point
            scene.measure("the tablespace was filled", 1)
    began, before = time.monotonic(), -1
    while before != (now := scene.probe.stored()) or time.monotonic() - began < scene.scale.postgres_away_s:
        before = now
        time.sleep(1.0)
        if time.monotonic() - began > 4 * scene.scale.postgres_away_s:
            break
    outage = time.monotonic() - began
    ballast.unlink()
    scene.measure("the disk was full", outage, "s")
    scene.measure("drained after the disk had room", scene.goes_on("store"), "s", 2 * outage)


def _leave(scene: Scene, directory: Path) -> None:
    scene.traffic.hold()
    scene.drained()
    _move(scene, "pg_default")
    _as_operator(scene, f"DROP TABLESPACE IF EXISTS {_TABLESPACE}")
    scene.traffic.go_on()
    subprocess.run(["/bin/umount", str(directory)], check=True)
    directory.rmdir()


def _move(scene: Scene, tablespace: str) -> None:
    tables = """
    SELECT c.oid::regclass::text, c.relkind FROM pg_class c
    WHERE c.relnamespace = $1::text::regnamespace AND c.relkind IN ('r', 'p', 'i', 'I')
    """
    for name, kind in scene.probe.rows(tables, scene.settings.namespace):
        what = "TABLE" if kind in (b"r", b"p", "r", "p") else "INDEX"
        _as_operator(scene, f"ALTER {what} {name} SET TABLESPACE {tablespace}")


def _data_of(scene: Scene) -> Path:
    return scene.machine.data_dir / postgres.NAME


def _as_operator(scene: Scene, sql: str) -> None:
    """Run a statement as a superuser, as which no process of Relearn connects."""

    async def run() -> None:
        path = {"search_path": quoted(scene.settings.namespace)}
        connection: Any = await asyncpg.connect(scene.machine.operator_dsn, server_settings=path)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    asyncio.run(run())


def redis_away(scene: Scene) -> None:
    """Killed, and back after a while."""
    scene.stores(500)
    with scene.pauses("the longest pause of storing while Redis was away", _REDIS_PAUSE_BAR_S):
        scene.machine.valkey.kill()
        try:
            time.sleep(scene.scale.redis_away_s)
        finally:
            scene.machine.valkey.start()
        scene.stores(500)


def redis_flushed_and_full(scene: Scene) -> None:
    """FLUSHALL, then no room for a single key more."""
    with redis.Redis.from_url(scene.settings.redis_url) as client:
        kept: Any = client.config_get("maxmemory*")
        with scene.pauses("the longest pause of storing while Redis was flushed and full", _REDIS_PAUSE_BAR_S):
            client.flushall()
            scene.stores(500)
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", "1")
            try:
                scene.stores(500)
                time.sleep(scene.scale.redis_away_s)
            finally:
                client.config_set("maxmemory", kept["maxmemory"])
                client.config_set("maxmemory-policy", kept["maxmemory-policy"])
            scene.stores(500)
        beats = f"relearn:{scene.settings.namespace}:*", f"{scene.settings.namespace}:*"
        until(lambda: any(next(client.scan_iter(one), None) for one in beats), "Redis stays empty", 30)


def _no_tmpfs() -> str | None:
    return None if os.geteuid() == 0 else "mounting a tmpfs needs root"


FAULTS = (
    Fault("broker-killed", "broker killed, once away: 0 lost, drained within twice the outage", broker_killed),
    Fault("postgres-away", "Postgres away: 0 lost, 0 twice, drained within twice the outage", postgres_away),
    Fault("postgres-killed", "Postgres killed during a COPY: 0 lost, 0 twice", postgres_killed),
    Fault("deadlocks", "deadlocks injected into storing, again and again: 0 lost, 0 twice", deadlocks),
    Fault("disk-full", "disk of Postgres full: 0 lost, 0 twice", disk_full, alone=True, unless=_no_tmpfs),
    Fault("redis-away", "Redis away: storing never waits for it", redis_away),
    Fault("redis-full", "Redis flushed, and full: storing never waits for it", redis_flushed_and_full),
)
