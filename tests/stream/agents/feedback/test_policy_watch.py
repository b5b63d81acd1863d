"""The policy's command on the real servers: a command that was lost is sent again, and makes one job."""

from __future__ import annotations

import asyncio
from unittest.mock import AsyncMock

import pytest

from relearn.agents.availability.retry import Retry
from relearn.agents.feedback import policy_watch
from relearn.agents.feedback.policy_watch import AGAIN_AFTER_S, NOTICE, PolicyWatch
from relearn.agents.kafka.producer import KafkaProducer
from relearn.agents.learning.policy import Facts, Limits
from relearn.agents.stores.postgres import Pool, open_pool
from relearn.agents.stores.training.jobs import queue_job
from relearn.agents.stores.training.policy_facts import read_facts
from relearn.agents.worker.state import WorkerState
from relearn.schemas.messages.commands import Command, decode_command
from relearn.schemas.settings import Settings
from tests.support.data import retrains, reviewed
from tests.support.data.registered import register
from tests.support.data.rows import messages


async def commands(settings: Settings) -> list[Command]:
    """All messages of `commands`."""
    return [decode_command(one.value()) for one in await asyncio.to_thread(messages, settings, "commands")]


def corrected(settings: Settings) -> None:
    """A champion, and a correction of one of its predictions that no training has known."""
    retrains.load(settings)
    register(settings)
    features, _ = reviewed.records(30)
    offsets, answers, _ = reviewed.predict(settings, features, reviewed.model_of(settings, 1))
    reviewed.review(settings, offsets, ["no" if answer == "yes" else "yes" for answer in answers])


async def test_facts_that_are_older_than_the_last_commands_job_ask_for_nothing(
    migrated: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job is written while the next facts, with one more correction, are read: its training knows that, too."""
    settings = migrated.model_copy(
        update={"retrain_corrections": 1, "retrain_settle_s": 0.0, "retrain_cooldown_s": 0.0}
    )
    await asyncio.to_thread(corrected, settings)
    pool, producer = await open_pool(settings), KafkaProducer(settings, "policy")
    watch = PolicyWatch(
        settings,
        "/test",
        Retry(WorkerState("feedback-1", "feedback"), lambda: False),
        AsyncMock(return_value=pool),
        AsyncMock(return_value=producer),
        lambda: True,
    )
    await watch.look()
    (command,) = await commands(settings)

    async def read_late(pool: Pool, limits: Limits) -> tuple[Facts, float]:
        found = await read_facts(pool, limits)
        async with pool.acquire() as connection, connection.transaction():
            await queue_job(connection, command)
        return found

    monkeypatch.setattr(policy_watch, "read_facts", read_late)
    features, _ = reviewed.records(1, seed=5)
    offsets, answers, _ = await asyncio.to_thread(
        reviewed.predict, settings, features, await asyncio.to_thread(reviewed.model_of, settings, 1)
    )
    await asyncio.to_thread(reviewed.review, settings, offsets, ["no" if answers[0] == "yes" else "yes"])
    await watch.look()
    assert await commands(settings) == [command]
    await producer.close()
    pool.terminate()


async def test_a_command_whose_job_is_never_written_is_sent_again(migrated: Settings) -> None:
    """No retrain worker runs, or the topic was deleted with the command in it; meanwhile there is a notice."""
    settings = migrated.model_copy(
        update={"retrain_corrections": 1, "retrain_settle_s": 0.0, "retrain_cooldown_s": 0.0}
    )
    await asyncio.to_thread(corrected, settings)
    state, now_s = WorkerState("feedback-1", "feedback"), [0.0]
    pool, producer = await open_pool(settings), KafkaProducer(settings, "policy")

    async def given_pool() -> object:
        return pool

    async def given_producer() -> KafkaProducer:
        return producer

    watch = PolicyWatch(
        settings,
        "/test",
        Retry(state, lambda: False),
        given_pool,
        given_producer,
        lambda: True,
        clock=lambda: now_s[0],
    )
    await watch.look()
    await watch.look()
    (command,) = await commands(settings)
    assert state.notices.listed() == []
    now_s[0] = AGAIN_AFTER_S + 1
    await watch.look()
    await watch.look()
    assert [one.id for one in await commands(settings)] == [command.id] * 2
    assert [one["code"] for one in state.notices.listed()] == [NOTICE]
    async with pool.acquire() as connection, connection.transaction():
        await queue_job(connection, command)
    now_s[0] = 100 * AGAIN_AFTER_S
    await watch.look()
    assert len(await commands(settings)) == 2
    assert state.notices.listed() == []
    await producer.close()
    pool.terminate()
