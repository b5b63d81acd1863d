"""The evaluator's loop: a worker that isn't in charge rests."""

from __future__ import annotations

import asyncio
from typing import Any

from relearn.agents.availability.retry import Retry
from relearn.agents.feedback.policy_watch import PolicyWatch
from relearn.agents.worker.state import WorkerState
from relearn.schemas.settings import Settings


async def _nobody() -> Any:
    raise AssertionError("a worker that isn't in charge sends no query")


async def test_feedback_stored_by_a_worker_that_is_not_in_charge_does_not_keep_it_busy() -> None:
    """Its news is for the one who is; a loop that never rests would stop the whole worker."""
    looks = 0

    def stop() -> bool:
        nonlocal looks
        looks += 1
        return looks > 1000

    watch = PolicyWatch(
        Settings(),
        "/relearn/feedback-2",
        Retry(WorkerState("feedback-2", "feedback"), stop),
        _nobody,
        _nobody,
        in_charge=lambda: False,
    )
    watch.news.set()
    running = asyncio.create_task(watch.run())
    await asyncio.wait({running}, timeout=0.1)
    assert looks < 10
    running.cancel()
    await asyncio.wait({running})
