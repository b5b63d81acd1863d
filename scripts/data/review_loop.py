"""The loop of `relearn review`: reads recent predictions, sends reviews at a rate, counts acknowledgements."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from relearn.agents.kafka.producer import OutgoingMessage
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.predictions.review_candidates import POOL, read_review_candidates
from relearn.schemas.messages.feedback import CE_TYPE, Feedback, encode_feedback
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from relearn.scripts.client.producer import Sender
from relearn.scripts.data.reviewer import Reviewer
from relearn.scripts.render.progress import OnProgress

#: Candidates are read again after this time.
LOOK_EVERY_S = 0.5
#: Maximum delay that a reviewer catches up on after a pause.
_BEHIND_S = 1.0
_POLL_S = 0.05

OnIdle = Callable[[int], None]
"""Called when there is nothing to review, with the number of records without a known label."""


class FeedbackSender:
    """Sends statements and counts acknowledged corrections."""

    def __init__(self, settings: Settings) -> None:
        self.corrections = 0
        """Acknowledged corrections."""
        self._correcting: set[str] = set()
        source, topic = f"/{settings.namespace}/review", topic_name(settings.namespace, "feedback")
        self.sender = Sender(settings, topic, source=source, on_ack=self._on_ack)

    def send(self, feedback: Feedback, corrects: bool) -> None:
        """Hand one statement to the producer."""
        if corrects:
            self._correcting.add(feedback.id)
        self.sender.send(OutgoingMessage(encode_feedback(feedback), CE_TYPE, event_id=feedback.id))

    def _on_ack(self, message: OutgoingMessage, *_: Any) -> None:
        self.corrections += message.event_id in self._correcting
        self._correcting.discard(message.event_id)

    def summary(self) -> str:
        """The last line."""
        sent, acknowledged = self.sender.sent, self.sender.acknowledged
        answers = f"{acknowledged:,} of {sent:,} answers" if acknowledged < sent else f"{sent:,} answers"
        line = f"{answers}, of them {self.corrections:,} corrections, acknowledged by the broker"
        lost = sent - acknowledged
        return f"{line}; {lost:,} not: {self.sender.error or 'no reason given'}" if lost else line


@dataclass(frozen=True, slots=True)
class Pace:
    """The maximum answers per second and in all (None: no limit), the stop signal, and the callbacks."""

    rate: float | None
    count: int | None
    stop: threading.Event
    on_progress: OnProgress
    on_idle: OnIdle


async def review_predictions(pool: Pool, feedback: FeedbackSender, reviewer: Reviewer, pace: Pace) -> None:
    """Send reviews until `pace.count` were sent or `pace.stop` is set. Doesn't flush.

    Raises:
        PostgresUnavailable: retryable; statements sent before stay sent.
    """
    sender = feedback.sender
    statements: Iterator[tuple[Feedback, bool]] = iter(())
    due_s, look_s, seen = time.monotonic(), -math.inf, 0
    while not pace.stop.is_set() and (pace.count is None or sender.sent < pace.count):
        await _until(due_s, sender, pace.stop)
        if time.monotonic() >= look_s:
            look_s = time.monotonic() + LOOK_EVERY_S
            look = await read_review_candidates(pool, reviewer.handled)
            statements, seen = reviewer.answers(look), len(look.candidates)
        statement = next(statements, None)
        if statement is None:
            if not seen:
                pace.on_idle(reviewer.unknown)
            if seen < POOL:
                due_s = max(due_s, look_s)
            look_s = -math.inf
            continue
        feedback.send(*statement)
        sender.serve()
        pace.on_progress(sender.sent)
        now_s = time.monotonic()
        due_s = now_s if pace.rate is None else max(due_s + 1 / pace.rate, now_s - _BEHIND_S)


async def _until(due_s: float, sender: Sender, stop: threading.Event) -> None:
    """Wait for a time on the monotonic clock; processes acknowledgements and lets other tasks run meanwhile."""
    await asyncio.sleep(0)
    while (left_s := due_s - time.monotonic()) > 0 and not stop.is_set():
        sender.serve()
        await asyncio.sleep(min(left_s, _POLL_S))
