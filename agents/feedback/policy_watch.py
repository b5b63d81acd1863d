"""Evaluating the retrain policy: facts in Postgres → a decision → at most one command `train` for the same facts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from relearn.agents.availability.retry import Retry
from relearn.agents.kafka.producer import KafkaProducer
from relearn.agents.kafka.send_command import send_command
from relearn.agents.learning.policy import Decision, Facts, Limits, command_id, decide
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.training.jobs import Job, read_job
from relearn.agents.stores.training.policy_facts import read_facts
from relearn.schemas.messages.commands import Command
from relearn.schemas.settings import Settings

log = structlog.get_logger()

#: The interval of evaluation without a signal: other workers store feedback, too, and jobs end.
LOOK_EVERY_S = 1.0
_LEAST_S = 0.02


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
    _asked: str = ""

    async def run(self) -> None:
        """Evaluate the policy when the facts may have changed, and when the passage of time may decide.

        Raises:
            Stopping: asked to stop while a server is away.
        """
        while not self.retry.stop():
            wait_s = LOOK_EVERY_S
            self.news.clear()
            if self.in_charge():
                decision = await self._look()
                if decision.wake_s is not None:
                    wait_s = max(_LEAST_S, min(wait_s, decision.wake_s))
            try:
                async with asyncio.timeout(wait_s):
                    await self.news.wait()
            except TimeoutError:
                continue

    async def _look(self) -> Decision:
        pool, limits = await self.pool(), Limits.of(self.settings)
        facts, now_s = await self.retry.until_available(
            lambda: read_facts(pool, audits=limits.rate is not None), "Postgres"
        )
        decision = decide(facts, limits, now_s)
        if decision.trigger is not None:
            await self._ask(facts, decision)
        return decision

    async def _job(self, job_id: str) -> Job | None:
        pool = await self.pool()
        return await self.retry.until_available(lambda: read_job(pool, job_id), "Postgres")

    async def _ask(self, facts: Facts, decision: Decision) -> None:
        """Send the command, unless the job of the last command isn't written yet: this one would find it open."""
        assert decision.trigger is not None
        command = Command(command_id(self.settings.namespace, facts, decision.trigger), "train", decision.reason)
        if command.id == self._asked or (self._asked and await self._job(self._asked) is None):
            return
        namespace = self.settings.namespace
        await send_command(await self.producer(), namespace, command, source=self.source)
        self._asked = command.id
        log.info("retrain_asked", id=command.id, words=decision.words, **decision.reason)
