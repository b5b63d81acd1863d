"""The loop of `relearn review`: look at the stream's end, speak when it is time, count what the broker has."""

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

#: What was seen is out of date after so long.
LOOK_EVERY_S = 0.5
#: A reviewer who was held up catches up on at most so much.
_BEHIND_S = 1.0
_POLL_S = 0.05

OnIdle = Callable[[int], None]
"""Told when there is nothing to review, and how many records were not known."""


class FeedbackSender:
    """Sends statements, and counts what the broker has acknowledged."""

    def __init__(self, settings: Settings) -> None:
        self.corrections = 0
        """Acknowledged corrections."""
        self._correcting: set[str] = set()
        source, topic = f"/{settings.namespace}/review", topic_name(settings.namespace, "feedback")
        self.sender = Sender(settings, topic, source=source, on_ack=self._on_ack)

    def say(self, feedback: Feedback, corrects: bool) -> None:
        """Hand one statement over."""
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
    """How fast, at most so many a second; how many in all; when to stop before; and whom to tell."""

    rate: float | None
    count: int | None
    stop: threading.Event
    on_progress: OnProgress
    on_idle: OnIdle


async def review(pool: Pool, mouth: FeedbackSender, reviewer: Reviewer, pace: Pace) -> None:
    """Speak until so many statements were sent or it is time to stop. Doesn't flush.

    Raises:
        PostgresUnavailable: what was sent until then, was sent.
    """
    sender = mouth.sender
    said: Iterator[tuple[Feedback, bool]] = iter(())
    due_s, look_s, seen = time.monotonic(), -math.inf, 0
    while not pace.stop.is_set() and (pace.count is None or sender.sent < pace.count):
        await _until(due_s, sender, pace.stop)
        if time.monotonic() >= look_s:
            look_s = time.monotonic() + LOOK_EVERY_S
            look = await read_review_candidates(pool, reviewer.handled)
            said, seen = reviewer.answers(look), len(look.candidates)
        statement = next(said, None)
        if statement is None:
            if not seen:
                pace.on_idle(reviewer.unknown)
            if seen < POOL:
                due_s = max(due_s, look_s)
            look_s = -math.inf
            continue
        mouth.say(*statement)
        sender.serve()
        pace.on_progress(sender.sent)
        now_s = time.monotonic()
        due_s = now_s if pace.rate is None else max(due_s + 1 / pace.rate, now_s - _BEHIND_S)


async def _until(due_s: float, sender: Sender, stop: threading.Event) -> None:
    """Wait for a time on the monotonic clock, taking acknowledgements meanwhile. Others on the loop get their turn."""
    await asyncio.sleep(0)
    while (left_s := due_s - time.monotonic()) > 0 and not stop.is_set():
        sender.serve()
        await asyncio.sleep(min(left_s, _POLL_S))
