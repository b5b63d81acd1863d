"""The demo's reviewer: `relearn review`'s, in the demo's own loop, until it is told to stop."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field

import numpy as np

from relearn.agents.learning.review_choice import audit_share
from relearn.agents.stores.postgres import Pool
from relearn.schemas.errors import Unavailable
from relearn.schemas.settings import Settings
from relearn.scripts.data.datasets import Dataset
from relearn.scripts.data.ground_truth import oracle_of
from relearn.scripts.data.review_loop import FeedbackSender, Pace, review
from relearn.scripts.data.reviewer import Reviewer

#: How likely an answer is wrong.
ERROR = 0.02
_AGAIN_S = 0.5


@dataclass
class Answering:
    """Who answers, how, and what was said so far. One after another may be at work, never two at once."""

    pool: Pool
    mouth: FeedbackSender
    person: Reviewer
    base_share: float
    rate: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)
    _work: asyncio.Task[None] | None = None

    @property
    def answers(self) -> int:
        """Answers handed over to the producer."""
        return self.mouth.sender.sent

    @property
    def at_work(self) -> bool:
        """Whether somebody answers now. Raises whatever ended that before its time."""
        if self._work is not None and self._work.done():
            self._work.result()
        return self._work is not None and not self._work.done()

    def start(self, rate: float) -> None:
        """Answer `rate` predictions a second from now on."""
        self.rate, self._stop = rate, threading.Event()
        self._work = asyncio.create_task(self._run(Pace(rate, None, self._stop, _nothing, _nothing)))

    def mind(self, drifted: tuple[str, ...]) -> None:
        """Look at more random records while the stream has drifted."""
        self.person.audit_share = audit_share(self.base_share, drifted)

    async def stop(self) -> None:
        """Fall silent; returns when what was said is acknowledged or given up."""
        if self._work is None:
            return
        self._stop.set()
        try:
            await self._work
        finally:
            self._work = None
            await asyncio.to_thread(self.mouth.sender.flush)

    async def _run(self, pace: Pace) -> None:
        while not pace.stop.is_set():
            try:
                await review(self.pool, self.mouth, self.person, pace)
            except Unavailable:
                await asyncio.sleep(_AGAIN_S)


def fallible(settings: Settings, pool: Pool, real: Dataset, run: str, seed: int) -> Answering:
    """A reviewer called like the run who knows the labels of what is streamed, and errs once in fifty."""
    share = settings.audit_share
    person = Reviewer(oracle_of(real), settings.namespace, run, share, ERROR, False, np.random.default_rng(seed))
    return Answering(pool, FeedbackSender(settings), person, share)


def _nothing(_: int) -> None:
    """Nobody is told."""
