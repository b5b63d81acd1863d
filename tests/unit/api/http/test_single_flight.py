"""One call for all concurrent callers."""

from __future__ import annotations

import asyncio

import pytest

from relearn.api.http.single_flight import SingleFlight


class Source:
    """Counts its calls, each of which ends when `open` is set: with the number, or with the error if there is one."""

    def __init__(self) -> None:
        self.calls, self.open = 0, asyncio.Event()
        self.error: Exception | None = None

    async def read(self) -> int:
        self.calls += 1
        await self.open.wait()
        if self.error is not None:
            raise self.error
        return self.calls


async def test_concurrent_callers_share_one_call_and_the_next_caller_starts_another() -> None:
    source = Source()
    flight = SingleFlight(source.read)
    callers = [asyncio.ensure_future(flight.result()) for _ in range(5)]
    await asyncio.sleep(0)
    source.open.set()
    assert await asyncio.gather(*callers) == [1] * 5
    assert await flight.result() == 2


async def test_an_error_is_raised_to_every_caller_and_not_kept() -> None:
    source = Source()
    source.error = ValueError("no")
    flight = SingleFlight(source.read)
    callers = [asyncio.ensure_future(flight.result()) for _ in range(3)]
    source.open.set()
    found = await asyncio.gather(*callers, return_exceptions=True)
    assert found == [source.error] * 3
    source.error = None
    assert await flight.result() == 2


async def test_a_cancelled_caller_does_not_cancel_the_call() -> None:
    source = Source()
    flight = SingleFlight(source.read)
    gone, stays = (asyncio.ensure_future(flight.result()) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    source.open.set()
    assert await stays == 1
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_settled_waits_for_the_call_under_way_and_raises_nothing() -> None:
    source = Source()
    flight = SingleFlight(source.read)
    await flight.settled()
    source.error = ValueError("no")
    call = flight.call()
    waiting = asyncio.ensure_future(flight.settled())
    await asyncio.sleep(0)
    assert not waiting.done()
    source.open.set()
    await waiting
    assert call.done()
    assert source.calls == 1
