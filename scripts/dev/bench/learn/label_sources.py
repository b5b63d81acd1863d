"""Where labels come from: a reviewer at the review queue, or a program that publishes outcomes by record id."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Protocol

import numpy as np

from relearn.agents.kafka.producer import OutgoingMessage
from relearn.agents.stores.postgres import Pool
from relearn.schemas.messages.feedback import Feedback, Via
from relearn.schemas.settings import Settings
from relearn.scripts.data.datasets import load_dataset
from relearn.scripts.data.ground_truth import oracle_of
from relearn.scripts.data.review_loop import FeedbackSender
from relearn.scripts.data.reviewer import Reviewer
from relearn.scripts.demo.traffic.reviewer import DemoReviewer
from relearn.scripts.demo.traffic.stream import Labelled
from relearn.scripts.dev.bench.learn.scenes import Scene

#: How long after a record its outcome is published.
DELAY_S = 3.0
_LOOK_EVERY_S = 0.05


class LabelSource(Protocol):
    """Labels while it is started. `on_ack` is called for each record that the broker has, in the stream's thread."""

    feedback: FeedbackSender

    def on_ack(self, message: OutgoingMessage, partition: int, offset: int | None) -> None: ...
    def start(self) -> None: ...
    async def stop(self) -> None: ...


class OneReviewer:
    """The reviewer of `relearn review`, without errors: from the queue, and an audit share as set."""

    def __init__(self, settings: Settings, pool: Pool, scene: Scene, seed: int) -> None:
        oracle, share = oracle_of(load_dataset("digits")), settings.audit_share
        reviewer = Reviewer(oracle, settings.namespace, "ann", share, 0.0, False, np.random.default_rng(seed))
        self.feedback = FeedbackSender(settings)
        self._rate = scene.labels
        self._reviewer = DemoReviewer(pool, self.feedback, reviewer, share)

    def on_ack(self, message: OutgoingMessage, partition: int, offset: int | None) -> None:
        """The reviewer reads predictions, not records."""

    def start(self) -> None:
        """Review from now on."""
        self._reviewer.start(self._rate)

    async def stop(self) -> None:
        """Returns when all sent reviews are acknowledged or given up. Raises the error that ended the reviewer."""
        await self._reviewer.stop()


class Feed:
    """Publishes the label of every second record, `DELAY_S` after the broker has the record."""

    def __init__(self, settings: Settings, scene: Scene, via: Via) -> None:
        self.feedback = FeedbackSender(settings)
        self._every = scene.rate // scene.labels
        self._via = via
        self._due: deque[tuple[float, str, str]] = deque()
        self._seen = 0
        self._work: asyncio.Task[None] | None = None

    def on_ack(self, message: OutgoingMessage, partition: int, offset: int | None) -> None:
        """Note the record whose label is published later."""
        assert isinstance(message, Labelled)
        self._seen += 1
        if self._seen % self._every == 0:
            self._due.append((time.monotonic() + DELAY_S, message.event_id, message.labels[0]))

    def start(self) -> None:
        """Publish from now on, what came before is not labelled."""
        self._due.clear()
        self._work = asyncio.create_task(self._publish())

    async def stop(self) -> None:
        """Returns when all sent labels are acknowledged or given up. Raises the error that ended the feed."""
        if self._work is None:
            return
        self._work.cancel()
        await asyncio.gather(self._work, return_exceptions=True)
        if not self._work.cancelled():
            self._work.result()
        await asyncio.to_thread(self.feedback.sender.flush)

    async def _publish(self) -> None:
        while True:
            now_s = time.monotonic()
            while self._due and self._due[0][0] <= now_s:
                _, record, label = self._due.popleft()
                outcome = Feedback(f"outcome-{record}", label, None, record, "outcomes", self._via)
                self.feedback.send(outcome, corrects=False)
            self.feedback.sender.serve()
            await asyncio.sleep(_LOOK_EVERY_S)


def label_source(settings: Settings, pool: Pool, scene: Scene, seed: int, via: Via) -> LabelSource:
    """Who labels in this scene. `via`: how the feed's records came to be labelled."""
    if scene.name == "feed":
        return Feed(settings, scene, via)
    return OneReviewer(settings, pool, scene, seed)
