"""A call is repeated while a server is unavailable; a worker that is asked to stop ends its waits soon."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from relearn.agents.availability.retry import NOTICE_AFTER_S, Retry, Stopping, wait_until
from relearn.agents.worker.state import WorkerState
from relearn.schemas.errors import PostgresUnavailable, Refused, SetupError


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


async def test_what_a_person_must_mend_is_waited_for_and_its_remedy_is_a_notice() -> None:
    """From the first failure on, until the call succeeds."""
    state, seen = WorkerState("score-1", "score", stage="ready"), []

    async def call() -> str:
        seen.append((state.condition, [one["code"] for one in state.notices.listed()]))
        if len(seen) == 1:
            raise SetupError("there is no topic ns.ingest; run `relearn migrate` first")
        return "done"

    assert await Retry(state, stop=lambda: False).until_available(call, "Kafka") == "done"
    remedy = "waiting: there is no topic ns.ingest; run `relearn migrate` first"
    assert seen == [("ready", []), (remedy, ["setup"])]
    assert (state.condition, state.notices.listed()) == ("ready", [])


async def test_what_lasts_longer_than_the_bound_is_a_notice_with_its_last_error() -> None:
    """However it ends: here the worker is asked to stop."""
    state, seen = WorkerState("store-1", "store"), []
    now = iter((0.0, 1.0, NOTICE_AFTER_S + 1.0, NOTICE_AFTER_S + 2.0))
    errors = iter(("too many connections", "disk full", "disk full"))

    async def call() -> str:
        seen.append(state.notices.listed())
        raise PostgresUnavailable(f"Postgres: {next(errors)}")

    with pytest.raises(Stopping):
        await Retry(state, stop=lambda: len(seen) == 3, clock=lambda: next(now)).until_available(call, "Postgres")
    detail = "waiting for Postgres for over 30 s: Postgres: disk full"
    assert seen == [[], [], [{"code": "retrying", "detail": detail, "since": 0.0}]]
    assert state.notices.listed() == []
