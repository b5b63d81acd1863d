"""The demo's reviewer: that of `relearn review`, in the demo's event loop, until it is stopped."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field

import numpy as np

from relearn.agents.learning.review_choice import share_under_drift
from relearn.agents.stores.postgres import Pool
from relearn.schemas.errors import Unavailable
from relearn.schemas.settings import Settings
from relearn.scripts.data.datasets import Dataset
from relearn.scripts.data.ground_truth import oracle_of
from relearn.scripts.data.review_loop import FeedbackSender, Pace, review_predictions
from relearn.scripts.data.reviewer import Reviewer

#: The probability of a wrong answer.
ERROR = 0.02
_RETRY_S = 0.5


@dataclass
class DemoReviewer:
    """A simulated reviewer and its sent reviews. It can be started again after a stop."""

    pool: Pool
    feedback: FeedbackSender
    reviewer: Reviewer
    base_share: float
    rate: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)
    _work: asyncio.Task[None] | None = None

    @property
    def answers(self) -> int:
        """Answers handed over to the producer."""
        return self.feedback.sender.sent

    @property
    def at_work(self) -> bool:
        """Whether the reviewer answers now. Raises the error that ended it, if any."""
        if self._work is not None and self._work.done():
            self._work.result()
        return self._work is not None and not self._work.done()

    def start(self, rate: float) -> None:
        """Answer `rate` predictions per second from now on."""
        self.rate, self._stop = rate, threading.Event()
        self._work = asyncio.create_task(self._run(Pace(rate, None, self._stop, _nothing, _nothing)))

    def on_drift(self, drifted: tuple[str, ...]) -> None:
        """Choose more random records while the stream has drifted."""
        self.reviewer.audit_share = share_under_drift(self.base_share, drifted)

    async def stop(self) -> None:
        """Stop answering; returns when all sent reviews are acknowledged or given up."""
        if self._work is None:
            return
        self._stop.set()
        try:
            await self._work
        finally:
            self._work = None
            await asyncio.to_thread(self.feedback.sender.flush)

    async def _run(self, pace: Pace) -> None:
        while not pace.stop.is_set():
            try:
                await review_predictions(self.pool, self.feedback, self.reviewer, pace)
            except Unavailable:
                await asyncio.sleep(_RETRY_S)


def make_reviewer(settings: Settings, pool: Pool, real: Dataset, run_id: str, seed: int) -> DemoReviewer:
    """A reviewer with the run's id as its name: knows the streamed labels, and errs once in fifty."""
    share = settings.audit_share
    reviewer = Reviewer(oracle_of(real), settings.namespace, run_id, share, ERROR, False, np.random.default_rng(seed))
    return DemoReviewer(pool, FeedbackSender(settings), reviewer, share)


def _nothing(_: int) -> None:
    """No progress is shown."""
