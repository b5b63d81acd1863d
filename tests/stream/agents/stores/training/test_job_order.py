"""Jobs are ordered by numbers that Postgres gives: no clock makes a job the last for good."""

from __future__ import annotations

import random

import pytest

from relearn.agents.learning.policy import Limits, decide
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.training.jobs import State, end_job, list_jobs, queue_job
from relearn.agents.stores.training.policy_facts import known_cut, read_facts
from relearn.schemas.messages.commands import Command
from relearn.schemas.settings import Settings
from tests.support.data.random_corrections import insert_random_corrections
from tests.support.data.stored import tables


async def ended(pool: Pool, job_id: str, state: State, shift: str) -> None:
    """One training, and Postgres' clock at its end as it is with that jump."""
    async with pool.acquire() as connection:
        await queue_job(connection, Command(job_id, "train", {"trigger": "count"}))
        await connection.execute("UPDATE jobs SET state = 'running' WHERE id = $1", job_id)
        await end_job(connection, job_id, state)
        await connection.execute(
            f"UPDATE jobs SET queued_at = queued_at + interval '{shift}', ended_at = ended_at + interval '{shift}',"
            f" trained_at = trained_at + interval '{shift}' WHERE id = $1",
            job_id,
        )


@pytest.mark.parametrize("shift", ["40 days", "-40 days", "50 seconds"])
async def test_the_last_training_is_the_one_that_ended_last(settings: Settings, shift: str) -> None:
    """Its cut, the rejections since, and the list; a cooldown ends in any case."""
    rng = random.Random(1)
    limits = Limits.of(settings)
    async with tables(settings) as pool:
        await ended(pool, "first", "promoted", shift)
        cuts = []
        for n in range(3):
            await insert_random_corrections(pool, rng, 10)
            await ended(pool, f"job {n}", "rejected", "0 days")
            async with pool.acquire() as connection:
                cuts.append(await known_cut(connection))
        assert cuts == [10, 20, 30]
        facts, now_s = await read_facts(pool, limits)
        assert (facts.rejections, facts.cut, facts.labels) == (3, 30, 0)
        assert [job.id for job in await list_jobs(pool)] == ["job 2", "job 1", "job 0", "first"]
        # The clock goes on, or has jumped: the newest training's time is what it is.
        await pool.execute(f"UPDATE jobs SET trained_at = trained_at + interval '{shift}' WHERE id = 'job 2'")
        facts, now_s = await read_facts(pool, limits)
        wake_s = decide(facts, limits, now_s).wake_s
        assert facts.last_ended_s is not None
        assert wake_s is None or wake_s <= 60 + limits.cooldown_s
