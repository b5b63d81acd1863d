"""A call is repeated while a server is unavailable; a worker that is asked to stop ends its waits soon."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from relearn.agents.availability.retry import Retry, Stopping, wait_until
from relearn.agents.worker.state import WorkerState
from relearn.schemas.errors import PostgresUnavailable, Refused


def _calls(*outcomes: object) -> tuple[Iterator[object], object]:
    remaining = iter(outcomes)

    async def call() -> object:
        outcome = next(remaining)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return remaining, call


async def test_the_condition_names_the_server_until_it_answers() -> None:
    state = WorkerState("score-1", "score", stage="ready")
    conditions = []

    async def call() -> str:
        conditions.append(state.condition)
        if len(conditions) < 3:
            raise PostgresUnavailable("no answer")
        return "rows"

    assert await Retry(state, stop=lambda: False).until_available(call, "Postgres") == "rows"
    assert conditions == ["ready", "waiting for Postgres", "waiting for Postgres"]
    assert state.condition == "ready"


async def test_what_is_not_retryable_is_raised_at_once() -> None:
    remaining, call = _calls(Refused("no"), "never reached")
    with pytest.raises(Refused):
        await Retry(WorkerState("", ""), stop=lambda: False).until_available(call)
    assert next(remaining) == "never reached"


async def test_a_worker_that_is_asked_to_stop_leaves_the_call_undone() -> None:
    remaining, call = _calls(PostgresUnavailable("no answer"), "never reached")
    state = WorkerState("", "", stage="ready")
    with pytest.raises(Stopping):
        await Retry(state, stop=lambda: True).until_available(call)
    assert (next(remaining), state.condition) == ("never reached", "ready")


async def test_a_condition_that_holds_is_not_waited_for() -> None:
    await wait_until(lambda: True, stop=lambda: True)
    with pytest.raises(Stopping):
        await wait_until(lambda: False, stop=lambda: True)
