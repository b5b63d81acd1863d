"""`relearn bench events`: from a commit to all listeners of the API, at some rates and numbers of listeners.

Rows are stored by the store worker's own functions, in this process; the clock starts when Postgres has acknowledged
the commit. The API is a process of its own; the listeners share this one, whose work is in the figures. A listener has
received a commit when it gets a batch event whose `records` are at least as many as after the commit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import click
import msgspec
import numpy as np
from rich.console import Console
from rich.table import Table

from relearn.agents.stores.live.layout import Changes
from relearn.agents.stores.live.recent import RecentView
from relearn.agents.stores.postgres import Pool, open_pool
from relearn.agents.stores.predictions.insert import store_blocks
from relearn.agents.stores.redis import open_redis
from relearn.schemas.http.events import BatchEvent
from relearn.schemas.messages.predictions import Block
from relearn.schemas.settings import Settings
from relearn.scripts.client.migrations import run_migrations
from relearn.scripts.dev.bench.api_process import serving
from relearn.scripts.dev.bench.servers import scratch_directory, scratch_servers
from relearn.scripts.dev.bench.workload import FEATURES
from relearn.scripts.embedded.keys import ensure_pair

PATIENCE_S = 30.0


@dataclass(slots=True)
class Listener:
    """One client: the numbers of records in its events, and when they came (`time.perf_counter`)."""

    told: list[tuple[int, float]] = field(default_factory=list)

    async def listen(self, response: aiohttp.ClientResponse) -> None:
        async for line in response.content:
            if line.startswith(b"data: "):
                now_s = time.perf_counter()
                records = msgspec.json.decode(line.removeprefix(b"data: "), type=BatchEvent).records
                self.told.append((records or 0, now_s))


@click.command()
@click.option("--clients", "numbers", multiple=True, default=(1, 200), show_default=True, help="Listeners.")
@click.option("--commits", "rates", multiple=True, default=(2, 50), show_default=True, help="Commits per second.")
@click.option("--records", default=40, show_default=True, help="Records in one commit.")
@click.option("--seconds", default=10.0, show_default=True, help="How long each is held.")
def events(numbers: tuple[int, ...], rates: tuple[int, ...], records: int, seconds: float) -> None:
    """Commit → listeners at the API: p50, p90, p99 of all listeners and commits."""
    table = Table(title="commit → listener, ms")
    for heading in ("listeners", "commits/s", "records/s", "events/s each", "p50", "p90", "p99", "max"):
        table.add_column(heading, justify="right")
    for clients, rate, waits_ms, each in asyncio.run(_measure(numbers, rates, records, seconds)):
        quantiles = [f"{q:.1f}" for q in np.quantile(waits_ms, [0.5, 0.9, 0.99, 1.0])]
        table.add_row(f"{clients}", f"{rate}", f"{rate * records:,}", f"{each:.1f}", *quantiles)
    Console().print(table)


async def _measure(
    numbers: tuple[int, ...], rates: tuple[int, ...], records: int, seconds: float
) -> list[tuple[int, int, list[float], float]]:
    found = []
    with scratch_directory() as directory:
        async with scratch_servers(directory) as settings, _api(settings) as url, _stored(settings) as (pool, view):
            await view.tend()
            committed = _Commits(settings, pool, view, records)
            for clients in numbers:
                for rate in rates:
                    async with _listening(url, clients) as listeners:
                        waits_ms = await _one(committed, listeners, rate, seconds)
                    each = sum(len(one.told) for one in listeners) / clients / seconds
                    found.append((clients, rate, waits_ms, each))
    return found


async def _one(commits: _Commits, listeners: list[Listener], rate: int, seconds: float) -> list[float]:
    """The waits of all listeners and commits, in ms."""
    began_s = time.perf_counter()
    at: list[tuple[int, float]] = []
    for i in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, began_s + i / rate - time.perf_counter()))
        at.append(await commits.one())
    async with asyncio.timeout(PATIENCE_S):
        while any(not one.told or one.told[-1][0] < at[-1][0] for one in listeners):  # noqa: ASYNC110 - it is over
            await asyncio.sleep(0.01)
    waits_ms = []
    for one in listeners:
        totals, times = zip(*one.told, strict=True)
        places = np.searchsorted(totals, [total for total, _ in at])
        waits_ms += [1000 * (times[place] - committed_s) for place, (_, committed_s) in zip(places, at, strict=True)]
    return waits_ms


@dataclass(slots=True)
class _Commits:
    """Stores a number of records at a time, and publishes them."""

    settings: Settings
    pool: Pool
    view: RecentView
    records: int
    stored: int = 0

    async def one(self) -> tuple[int, float]:
        """The number of records after this commit, and when it was acknowledged."""
        n, now_s = self.records, time.time()
        labels, margins = np.zeros(n, np.int16), np.zeros((n, 1))
        texts: list[str | None] = [None] * n
        block = Block(
            0, 0, np.arange(self.stored, self.stored + n), np.zeros(n, np.int32), np.full(n, now_s), texts, texts,
            [f"batch-{self.stored // n // 10}"] * n, texts, np.zeros((n, FEATURES)), ("0", "1"), labels, margins,
            np.ones(n, np.float32), 1, 1, now_s,
        )  # fmt: skip
        stored = await store_blocks(self.pool, [block], topic="ingest", retention_days=30, now_s=now_s)
        committed_s = time.perf_counter()
        self.stored += stored.inserted
        await self.view.show(Changes(stored.totals, stored.batches, stored.dead_letters))
        return self.stored, committed_s


@asynccontextmanager
async def _stored(settings: Settings) -> AsyncIterator[tuple[Pool, RecentView]]:
    pool, redis = await open_pool(settings, size=2), open_redis(settings)
    try:
        yield pool, RecentView(redis, pool, settings.namespace)
    finally:
        pool.terminate()
        await redis.aclose()


@asynccontextmanager
async def _api(settings: Settings) -> AsyncIterator[str]:
    """The API as a process of its own; no model is needed."""
    await run_migrations(settings)
    ensure_pair(settings.keys_dir)
    async with serving(settings, ready="/livez") as port:
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def _listening(url: str, clients: int) -> AsyncIterator[list[Listener]]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as session:
        responses = [await session.get(url + "/v1/events?types=batch") for _ in range(clients)]
        listeners = [Listener() for _ in responses]
        tasks = [asyncio.create_task(one.listen(response)) for one, response in zip(listeners, responses, strict=True)]
        try:
            yield listeners
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
