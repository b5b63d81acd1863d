"""Evaluating the retrain policy: facts in Postgres → a decision → at most one command `train` for the same facts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from relearn.agents.availability.backoff import Backoff
from relearn.agents.availability.retry import Retry
from relearn.agents.kafka.producer import KafkaProducer
from relearn.agents.kafka.send_command import send_command
from relearn.agents.learning.policy import Decision, Facts, Limits, command_id, decide
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.training.jobs import read_job
from relearn.agents.stores.training.policy_facts import read_facts
from relearn.schemas.errors import RejectedMessage
from relearn.schemas.messages.commands import Command
from relearn.schemas.settings import Settings

log = structlog.get_logger()

#: The interval of evaluation without a signal: other workers store feedback, too, and jobs end.
LOOK_EVERY_S = 1.0
_LEAST_S = 0.02
#: A command whose job isn't written after this time is sent again: its topic or its message was lost, or no retrain
#: worker runs. The job's id is the command's id, so that a command that arrives twice is one job. The time doubles.
AGAIN_AFTER_S = 30.0
_AGAIN_AT_MOST_S = 3600.0
NOTICE = "command-lost"


@dataclass(slots=True)
class PolicyWatch:
    """The policy evaluator of one feedback worker. `in_charge()`: whether this worker evaluates. The others wait."""

    settings: Settings
    source: str
    retry: Retry
    pool: Callable[[], Awaitable[Pool]]
    producer: Callable[[], Awaitable[KafkaProducer]]
    in_charge: Callable[[], bool]
    #: Set when feedback was stored.
    news: asyncio.Event = field(default_factory=asyncio.Event)
    clock: Callable[[], float] = time.monotonic
    #: The last command, whether its job is written, and when it is sent again if not.
    _asked: Command | None = None
    _answered: bool = False
    #: The id of a command that Kafka refused.
    _refused: str = ""
    _again_s: float = 0.0
    _patience: Backoff = field(default_factory=lambda: Backoff(AGAIN_AFTER_S, _AGAIN_AT_MOST_S))

    async def run(self) -> None:
        """Evaluate the policy when the facts may have changed, and when the passage of time may decide.

        Raises:
            Stopping: asked to stop while a server is away.
        """
        while not self.retry.stop():
            wait_s = LOOK_EVERY_S
            self.news.clear()
            if self.in_charge():
                decision = await self.look()
                if decision.wake_s is not None:
                    wait_s = max(_LEAST_S, min(wait_s, decision.wake_s))
            try:
                async with asyncio.timeout(wait_s):
                    await self.news.wait()
            except TimeoutError:
                continue

    async def look(self) -> Decision:
        """Evaluate once: send the command that the facts ask for, or again the last one if it was lost.

        Raises:
            Stopping: asked to stop while a server is away.
        """
        pool, limits = await self.pool(), Limits.of(self.settings)
        facts, now_s = await self.retry.until_available(lambda: read_facts(pool, limits), "Postgres")
        decision = decide(facts, limits, now_s)
        if decision.trigger is not None:
            await self._ask(facts, decision)
        elif self._asked is not None and not self._answered:
            await self._check(self._asked)
        return decision

    async def _check(self, asked: Command) -> None:
        """Look for the job of the last command. A command that has no job for long is sent again."""
        pool = await self.pool()
        job = await self.retry.until_available(lambda: read_job(pool, asked.id), "Postgres")
        notices = self.retry.state.notices
        if job is not None:
            self._answered = True
            notices.clear(NOTICE)
        elif self.clock() > self._again_s:
            notices.set(NOTICE, f"no retrain worker has written the job of command {asked.id}; it is sent again")
            await self._send(asked)

    async def _ask(self, facts: Facts, decision: Decision) -> None:
        """Send the command, unless the job of the last command isn't written yet: this one would find it open."""
        assert decision.trigger is not None
        command = Command(command_id(self.settings.namespace, facts, decision.trigger), "train", decision.reason)
        if self._asked is not None and not self._answered:
            # If its job is written now, it was written after these facts were read: the next look has newer ones.
            await self._check(self._asked)
            return
        if self._asked is not None and command.id == self._asked.id:
            return
        if command.id == self._refused:
            return
        self._patience.reset()
        try:
            await self._send(command)
        except RejectedMessage as exc:
            # A command on other facts is another message; this one would be refused again.
            self._refused = command.id
            log.warning("retrain_not_asked", id=command.id, error=str(exc))
            return
        log.info("retrain_asked", id=command.id, words=decision.words, **decision.reason)

    async def _send(self, command: Command) -> None:
        producer, namespace = await self.producer(), self.settings.namespace
        await self.retry.until_available(
            lambda: send_command(producer, namespace, command, source=self.source), "Kafka"
        )
        self._asked, self._answered = command, False
        self._again_s = self.clock() + self._patience.next_s()
