"""The loop of an agent: a chunk whose receipts fail for a reason that can change is handled again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest

from relearn.agents.availability.progress import progressed
from relearn.agents.worker import loop
from relearn.agents.worker.loop import process_chunks
from relearn.agents.worker.state import WorkerState
from relearn.schemas.errors import KafkaUnavailable, RejectedMessage, SetupError
from tests.support.waiting import eventually_async


class Chunk:
    """As much of a chunk as the loop uses; `fate` is its outcome."""

    def __init__(self) -> None:
        self.records: list[object] = []
        self.fate = "waiting"

    def start(self) -> None:
        self.fate = "started"

    def done(self) -> None:
        self.fate = "done"

    def abandon(self) -> None:
        self.fate = "abandoned"


async def stream(*chunks: Chunk) -> AsyncIterator[Chunk]:
    for chunk in chunks:
        yield chunk


async def failed_with(exc: Exception) -> None:
    raise exc


async def acknowledged() -> None:
    await asyncio.sleep(0)


async def run(state: WorkerState, handle: Any, *chunks: Chunk) -> None:
    """Run the loop over `chunks`, and wait until each has met its fate."""
    await process_chunks(None, state, stream(*chunks), handle, stop=lambda: False)  # type: ignore[arg-type]
    await eventually_async(lambda: all(chunk.fate != "started" for chunk in chunks), "a chunk is still in work")


@pytest.mark.parametrize("error", [KafkaUnavailable("no leader"), SetupError("no right to write")])
async def test_a_chunk_whose_receipt_fails_is_handled_again(error: Exception) -> None:
    """All receipts are awaited first: an error that nothing awaits would be reported by the event loop alone."""
    state, attempts = WorkerState("score-1", "score", stage="ready"), []
    first, second = Chunk(), Chunk()

    async def handle(chunk: Chunk) -> list[Awaitable[None]]:
        attempts.append(chunk)
        return [failed_with(error), failed_with(error)] if len(attempts) == 1 else [acknowledged()]

    await run(state, handle, first, second)
    assert (first.fate, second.fate) == ("done", "done")
    assert sorted(attempts.index(chunk) for chunk in attempts) == sorted([0, 0, attempts.index(second)])
    assert (state.condition, state.notices.listed()) == ("ready", [])


async def test_a_refusal_that_the_handler_does_not_treat_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    crashed: list[BaseException] = []

    async def crash(_: Any, exc: BaseException, **__: object) -> None:
        crashed.append(exc)

    monkeypatch.setattr(loop, "crash_by_chunk", crash)
    refused, chunk = RejectedMessage("too large"), Chunk()

    async def handle(_: Chunk) -> list[Awaitable[None]]:
        return [failed_with(refused)]

    await run(WorkerState("score-1", "score"), handle, chunk)
    assert (chunk.fate, crashed) == ("abandoned", [refused])


async def test_each_chunk_and_each_part_of_a_chunk_is_progress() -> None:
    """Whatever is in it: the watchdog ends a worker without progress."""
    state = WorkerState("store-1", "store", stage="ready")

    async def part() -> None:
        progressed()

    async def handle(_: Chunk) -> list[Awaitable[None]]:
        return [part(), part()]

    await run(state, handle, Chunk())
    assert (state.records, state.steps) == (0, 3)


async def test_acknowledgements_that_take_long_are_the_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker is away, and librdkafka waits for it: that is no hanging worker."""
    monkeypatch.setattr(loop, "SLOW_S", 0.0)
    state, chunk = WorkerState("score-1", "score", stage="ready"), Chunk()
    receipt: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def handle(_: Chunk) -> list[Awaitable[None]]:
        return [receipt]

    running = asyncio.create_task(run(state, handle, chunk))
    await eventually_async(lambda: state.condition == "waiting for Kafka", lambda: state.condition)
    receipt.set_result(None)
    await running
    assert (chunk.fate, state.condition) == ("done", "ready")
