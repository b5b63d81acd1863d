"""A value is opened once, by whichever caller comes first; an attempt that fails is repeated by the next."""

from __future__ import annotations

import asyncio

import pytest

from relearn.agents.availability.open_once import OpenOnce


async def test_many_callers_at_once_open_one_value() -> None:
    opened: list[object] = []

    async def open_value() -> object:
        await asyncio.sleep(0)
        opened.append(object())
        return opened[-1]

    once = OpenOnce(open_value)
    assert once.value is None
    values = await asyncio.gather(*(once.get() for _ in range(10)))
    assert set(values) == {once.value} == set(opened)


async def test_an_attempt_that_raises_is_repeated() -> None:
    outcomes = iter([ConnectionError("unavailable"), "connection"])

    async def open_value() -> str:
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    once = OpenOnce(open_value)
    with pytest.raises(ConnectionError):
        await once.get()
    assert once.value is None
    assert await once.get() == "connection"
