"""Watches the stream and shows its figures until the scenario has ended and every record is a row."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any

from rich.live import Live

from relearn.agents.availability.rate import Rate
from relearn.agents.stores.live.heartbeats import read_workers
from relearn.agents.stores.redis import Redis
from relearn.schemas.errors import PostgresUnavailable, RedisUnavailable, Unavailable
from relearn.scripts.demo.checks.counts import Before
from relearn.scripts.demo.display.console import DemoConsole
from relearn.scripts.demo.display.figures import Figures, Learning, lines, panel, percentile
from relearn.scripts.demo.traffic.stream import DemoStream
from relearn.scripts.demo.watch.rows import RowWatch

LOOK_EVERY_S = 0.01
SHOW_EVERY_S = 0.5
LINE_EVERY_S = 5.0
POLL_EVERY_S = 0.5
#: After the stream's end, missing rows are awaited until none has arrived for this time.
QUIET_TIMEOUT_S = 20.0
RECENT = 2000

Poll = Callable[[], Awaitable[None]]


@dataclass
class Monitor:
    """The stream, the watch on its rows, and the workers' heartbeats. The ids of the records begin with `run_id`.

    `polls` are called repeatedly while the figures are shown; `learning` returns what they found.
    """

    namespace: str
    run_id: str
    before: Before
    stream: DemoStream
    rows: RowWatch
    redis: Redis
    workers: list[dict[str, Any]] = field(default_factory=list)
    polls: Sequence[Poll] = ()
    learning: Callable[[], Learning] = Learning
    began_s: float = field(default_factory=time.monotonic)
    _rate: Rate = field(default_factory=Rate)
    _next_s: float = 0.0

    def figures(self) -> Figures:
        """The figures now; latencies over the last 2,000 records."""
        recent = list(self.rows.latencies_s)[-RECENT:]
        p50, p99 = (percentile(recent, share) for share in (0.5, 0.99))
        return Figures(
            elapsed_s=self.elapsed_s(),
            sent=self.stream.sender.sent,
            stored=self.rows.stored,
            rate=self._rate.update(time.monotonic(), self.stream.sender.sent),
            p50_ms=None if p50 is None else 1000 * p50,
            p99_ms=None if p99 is None else 1000 * p99,
            accuracy=self.rows.accuracy.overall,
            recent_accuracy=self.rows.accuracy.recent,
            workers=self.workers,
            learning=self.learning(),
        )

    def start(self, rate: float) -> None:
        """Start the stream, at `rate` records per second."""
        self.began_s = time.monotonic()
        self.stream.start(rate)

    def elapsed_s(self) -> float:
        """Since the stream began."""
        return time.monotonic() - self.began_s

    async def show(self, console: DemoConsole, *, line_every_s: float | None = LINE_EVERY_S) -> None:
        """Show the figures until the stream has ended and no row is missing, or no more rows arrive."""
        self._next_s = time.monotonic() + (0.0 if console.live else line_every_s or 0.0)
        live = Live(panel(self.figures()), console=console.rich, auto_refresh=False) if console.live else None
        with live or nullcontext():
            polling = asyncio.create_task(self._poll())
            try:
                await self._watch(lambda: self._draw(console, live, line_every_s), polling)
            finally:
                polling.cancel()
                await asyncio.gather(polling, return_exceptions=True)
            if live is not None:
                live.update(panel(self.figures()), refresh=True)
        if live is None and line_every_s is not None:
            self._report(console)

    @property
    def _complete(self) -> bool:
        return not self.rows.missing and not self.stream.acknowledged

    async def _watch(self, draw: Callable[[], None], polling: asyncio.Task[None]) -> None:
        stored, quiet_since = -1, time.monotonic()
        while True:
            streaming = self.stream.running
            if polling.done():
                polling.result()
            try:
                await self.rows.poll(self.stream.acknowledged)
            except PostgresUnavailable:
                await asyncio.sleep(SHOW_EVERY_S)
            draw()
            now = time.monotonic()
            if streaming or self.rows.stored != stored:
                stored, quiet_since = self.rows.stored, now
            if not streaming and (self._complete or now - quiet_since > QUIET_TIMEOUT_S):
                return
            await asyncio.sleep(LOOK_EVERY_S)

    def _draw(self, console: DemoConsole, live: Live | None, line_every_s: float | None) -> None:
        every = SHOW_EVERY_S if live is not None else line_every_s
        if every is None or time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + every
        if live is not None:
            live.update(panel(self.figures()), refresh=True)
        else:
            self._report(console)

    def _report(self, console: DemoConsole) -> None:
        for name, text in lines(self.figures()):
            console.report(name, text, self.elapsed_s(), "dim")

    async def _poll(self) -> None:
        """Poll all sources repeatedly; one that is unavailable is polled again in the next round."""
        while True:
            for poll in (self._poll_workers, *self.polls):
                with suppress(Unavailable):
                    await poll()
            await asyncio.sleep(POLL_EVERY_S)

    async def _poll_workers(self) -> None:
        try:
            self.workers = await read_workers(self.redis, self.namespace)
        except RedisUnavailable:
            self.workers = []
