"""The demo's middle: the stream under way, watched and shown until it has ended and every record is a row."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from rich.live import Live

from agents.heartbeat import read_workers
from agents.stores.redis import Redis
from schemas.errors import PostgresUnavailable, RedisUnavailable
from scripts.demo.counts import Before
from scripts.demo.figures import Rate, percentile
from scripts.demo.screen import Figures, line, panel
from scripts.demo.story import Story
from scripts.demo.stream import DemoStream
from scripts.demo.watch import Watch

LOOK_EVERY_S = 0.01
SHOW_EVERY_S = 0.5
LINE_EVERY_S = 2.0
WORKERS_EVERY_S = 1.0
#: After the stream's end, what is missing is waited for while something still arrives, this long without.
PATIENCE_S = 20.0
RECENT = 2000


@dataclass
class Running:
    """The stream, the watch on its rows, and what is known of the workers. The ids of `run` begin with it."""

    namespace: str
    run: str
    before: Before
    stream: DemoStream
    watch: Watch
    redis: Redis
    began_s: float = field(default_factory=time.monotonic)
    workers: list[dict[str, Any]] = field(default_factory=list)
    _rate: Rate = field(default_factory=Rate)
    _next_s: float = 0.0

    def figures(self) -> Figures:
        """As things are now; latencies over the last 2,000 records."""
        recent = list(self.watch.latencies_s)[-RECENT:]
        p50, p99 = (percentile(recent, share) for share in (0.5, 0.99))
        return Figures(
            elapsed_s=time.monotonic() - self.began_s,
            sent=self.stream.sender.sent,
            stored=self.watch.stored,
            rate=self._rate.update(time.monotonic(), self.stream.sender.sent),
            p50_ms=None if p50 is None else 1000 * p50,
            p99_ms=None if p99 is None else 1000 * p99,
            accuracy=self.watch.accuracy.overall,
            recent_accuracy=self.watch.accuracy.recent,
            workers=self.workers,
        )

    async def show(self, story: Story, *, line_every_s: float | None = LINE_EVERY_S) -> None:
        """Watch and show until the stream has ended and nothing is missing, or nothing more comes."""
        self._next_s = time.monotonic() + (0.0 if story.live else line_every_s or 0.0)
        live = Live(panel(self.figures()), console=story.console, auto_refresh=False) if story.live else None
        with live or nullcontext():
            asking = asyncio.create_task(self._ask_workers())
            try:
                await self._watch(lambda: self._draw(story, live, line_every_s))
            finally:
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
            if live is not None:
                live.update(panel(self.figures()), refresh=True)
        if live is None and line_every_s is not None:
            story.say(line(self.figures()))

    @property
    def _complete(self) -> bool:
        return not self.watch.missing and not self.stream.arrived

    async def _watch(self, draw: Callable[[], None]) -> None:
        stored, quiet_since = -1, time.monotonic()
        while True:
            streaming = self.stream.running
            try:
                await self.watch.look(self.stream.arrived)
            except PostgresUnavailable:
                await asyncio.sleep(SHOW_EVERY_S)
            draw()
            now = time.monotonic()
            if streaming or self.watch.stored != stored:
                stored, quiet_since = self.watch.stored, now
            if not streaming and (self._complete or now - quiet_since > PATIENCE_S):
                return
            await asyncio.sleep(LOOK_EVERY_S)

    def _draw(self, story: Story, live: Live | None, line_every_s: float | None) -> None:
        every = SHOW_EVERY_S if live is not None else line_every_s
        if every is None or time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + every
        if live is not None:
            live.update(panel(self.figures()), refresh=True)
        else:
            story.say(line(self.figures()))

    async def _ask_workers(self) -> None:
        while True:
            try:
                self.workers = await read_workers(self.redis, self.namespace)
            except RedisUnavailable:
                self.workers = []
            await asyncio.sleep(WORKERS_EVERY_S)
