"""The demo's middle: the stream under way, watched and shown until its story has ended and every record is a row."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any

from rich.live import Live

from relearn.agents.stores.redis import Redis
from relearn.agents.worker.heartbeat import read_workers
from relearn.schemas.errors import PostgresUnavailable, RedisUnavailable, Unavailable
from relearn.scripts.demo.counts import Before
from relearn.scripts.demo.figures import Rate, percentile
from relearn.scripts.demo.screen import Figures, Learning, lines, panel
from relearn.scripts.demo.story import Story
from relearn.scripts.demo.stream import DemoStream
from relearn.scripts.demo.watch import Watch

LOOK_EVERY_S = 0.01
SHOW_EVERY_S = 0.5
LINE_EVERY_S = 5.0
ASK_EVERY_S = 0.5
#: After the stream's end, what is missing is waited for while something still arrives, this long without.
PATIENCE_S = 20.0
RECENT = 2000

Ask = Callable[[], Awaitable[None]]


@dataclass
class Running:
    """The stream, the watch on its rows, and what is known of the workers. The ids of `run` begin with it.

    `asks` are asked again and again while it is shown; `learning` tells the figures of what they found.
    """

    namespace: str
    run: str
    before: Before
    stream: DemoStream
    watch: Watch
    redis: Redis
    workers: list[dict[str, Any]] = field(default_factory=list)
    asks: Sequence[Ask] = ()
    learning: Callable[[], Learning] = Learning
    began_s: float = field(default_factory=time.monotonic)
    _rate: Rate = field(default_factory=Rate)
    _next_s: float = 0.0

    def figures(self) -> Figures:
        """As things are now; latencies over the last 2,000 records."""
        recent = list(self.watch.latencies_s)[-RECENT:]
        p50, p99 = (percentile(recent, share) for share in (0.5, 0.99))
        return Figures(
            elapsed_s=self.elapsed_s(),
            sent=self.stream.sender.sent,
            stored=self.watch.stored,
            rate=self._rate.update(time.monotonic(), self.stream.sender.sent),
            p50_ms=None if p50 is None else 1000 * p50,
            p99_ms=None if p99 is None else 1000 * p99,
            accuracy=self.watch.accuracy.overall,
            recent_accuracy=self.watch.accuracy.recent,
            workers=self.workers,
            learning=self.learning(),
        )

    def start(self, rate: float) -> None:
        """Let the stream begin, at `rate` records per second."""
        self.began_s = time.monotonic()
        self.stream.start(rate)

    def elapsed_s(self) -> float:
        """Since the stream began."""
        return time.monotonic() - self.began_s

    async def show(self, story: Story, *, line_every_s: float | None = LINE_EVERY_S) -> None:
        """Watch and show until the stream has ended and nothing is missing, or nothing more comes."""
        self._next_s = time.monotonic() + (0.0 if story.live else line_every_s or 0.0)
        live = Live(panel(self.figures()), console=story.console, auto_refresh=False) if story.live else None
        with live or nullcontext():
            asking = asyncio.create_task(self._ask())
            try:
                await self._watch(lambda: self._draw(story, live, line_every_s), asking)
            finally:
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
            if live is not None:
                live.update(panel(self.figures()), refresh=True)
        if live is None and line_every_s is not None:
            self._say(story)

    @property
    def _complete(self) -> bool:
        return not self.watch.missing and not self.stream.arrived

    async def _watch(self, draw: Callable[[], None], asking: asyncio.Task[None]) -> None:
        stored, quiet_since = -1, time.monotonic()
        while True:
            streaming = self.stream.running
            if asking.done():
                asking.result()
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
            self._say(story)

    def _say(self, story: Story) -> None:
        for name, text in lines(self.figures()):
            story.tell(name, text, self.elapsed_s(), "dim")

    async def _ask(self) -> None:
        """Ask how things stand; whoever doesn't answer is asked another time."""
        while True:
            for question in (self._ask_workers, *self.asks):
                with suppress(Unavailable):
                    await question()
            await asyncio.sleep(ASK_EVERY_S)

    async def _ask_workers(self) -> None:
        try:
            self.workers = await read_workers(self.redis, self.namespace)
        except RedisUnavailable:
            self.workers = []
