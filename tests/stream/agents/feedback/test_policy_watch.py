"""The policy's command on the real servers: a command that was lost is sent again, and makes one job."""

from __future__ import annotations

import asyncio

from relearn.agents.availability.retry import Retry
from relearn.agents.feedback.policy_watch import AGAIN_AFTER_S, NOTICE, PolicyWatch
from relearn.agents.kafka.producer import KafkaProducer
from relearn.agents.stores.postgres import open_pool
from relearn.agents.stores.training.jobs import queue_job
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
