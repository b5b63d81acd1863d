"""The notices about offsets that vanished, transactions that stay open and topics that do not exist."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from relearn.agents.availability.notices import Notices
from relearn.agents.availability.retry import Stopping
from relearn.agents.kafka.recreated_topics import Jump
from relearn.agents.worker import offset_watch
from relearn.agents.worker.offset_watch import (
    GAP_SHOWN_S,
    LONGEST_WAIT_S,
    OPEN_TRANSACTION_S,
    Findings,
    UnsavedGaps,
)
from tests.support.waiting import eventually_async


class Told:
    """Findings on a clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.notices = Notices()
        self.findings = Findings(self.notices, clock=lambda: self.now_s)

    @property
    def lines(self) -> dict[str, str]:
        return {str(one["code"]): str(one["detail"]) for one in self.notices.listed()}


def test_deleted_records_are_added_up_by_topic_and_told_for_a_while() -> None:
    told = Told()
    told.findings.jumped([Jump("ns.ingest", 3, "deleted", "a", "a", 10, 90, 60)])
    told.findings.jumped([Jump("ns.ingest", 1, "deleted", "a", "a", 0, 90, 7)])
    line = "57 offsets of ns.ingest, partitions 1, 3, were deleted before they were read"
    assert told.lines == {"deleted:ingest": line}
    told.now_s += GAP_SHOWN_S + 1
    told.findings.jumped([])
    assert told.lines == {}


def test_a_topic_made_again_is_told_with_what_was_not_read() -> None:
    told = Told()
    told.findings.jumped([Jump("ns.ingest", 0, "recreated", "a", "b", 10)])
    assert "an unknown number of its offsets were not read before" in told.lines["recreated:ingest"]
    told.findings.jumped([Jump("ns.ingest", 1, "recreated", "a", "b", 10, 15)])
    assert "5 of its offsets were not read before" in told.lines["recreated:ingest"]


def test_a_log_that_was_cut_off_is_told() -> None:
    told = Told()
    told.findings.jumped([Jump("ns.ingest", 0, "truncated", "a", "a", 1500, 20, 0)])
    assert "the log ends before offset 1,500, which was read; read again from 0" in told.lines["truncated:ingest"]


def test_a_transaction_is_told_once_it_has_held_back_the_same_offset_for_a_while() -> None:
    told, tp = Told(), TP("ns.ingest", 2)
    for at in range(5):  # a producer that commits: another offset at each look
        told.findings.held_back({tp: (at, 3)})
        told.now_s += OPEN_TRANSACTION_S
    assert told.lines == {}
    told.findings.held_back({tp: (4, 7)})
    assert (
        "an open transaction holds back 7 offsets of ns.ingest, partitions 2" in told.lines["open-transaction:ingest"]
    )
    told.findings.held_back({})
    assert told.lines == {}


def test_a_topic_that_is_missing_is_told_until_it_is_there() -> None:
    told = Told()
    told.findings.missing(["ns.ingest"])
    assert told.lines == {"no-topic:ingest": "there is no topic ns.ingest; run `relearn migrate`"}
    told.findings.missing([])
    assert told.lines == {}


def a_jump(offset: int) -> Jump:
    return Jump("ns.ingest", 0, "deleted", "a", "a", offset, 90, offset + 1)


async def test_a_postgres_that_does_not_answer_delays_no_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first jump is being saved, without end; what is found after it is shown."""
    monkeypatch.setattr(offset_watch, "LOOK_EVERY_S", 0.001)
    saving = asyncio.Event()

    async def hang(_: Sequence[Jump]) -> bool:
        saving.set()
        await asyncio.Event().wait()
        return True

    held: dict[TP, tuple[int, int]] = {}
    failures: dict[str, str] = {}

    async def check_group() -> dict[str, str]:
        return failures

    consumer = SimpleNamespace(
        started=True, should_stop=False, jumps=[a_jump(0)], held_back=lambda: held, check_group=check_group
    )
    app: Any = SimpleNamespace(should_stop=False, rebalancing=True, consumer=consumer)
    state: Any = SimpleNamespace(notices=Notices())
    gaps = UnsavedGaps(hang)
    tasks = [
        asyncio.create_task(gaps.save_each(lambda: False)),
        asyncio.create_task(offset_watch._watch(app, state, gaps)),
    ]
    await asyncio.wait_for(saving.wait(), 20)
    failures["group"] = "no right"
    await eventually_async(lambda: "group" in {one["code"] for one in state.notices.listed()}, "no notice is shown")
    for task in tasks:
        task.cancel()


async def test_gaps_are_kept_in_order_until_they_are_saved_with_ever_longer_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []
    saved: list[list[int]] = []

    async def sleep(wait_s: float, *, stop: Callable[[], bool]) -> None:
        waits.append(wait_s)
        gaps.add([a_jump(len(waits))])
        if stop():
            raise Stopping

    async def save(jumps: Sequence[Jump]) -> bool:
        saved.append([jump.position for jump in jumps])
        return len(saved) > 8

    monkeypatch.setattr(offset_watch, "sleep_unless_stopped", sleep)
    gaps = UnsavedGaps(save)
    with pytest.raises(Stopping):
        await gaps.save_each(lambda: len(saved) > 8)
    assert saved == [list(range(1, n + 1)) for n in range(1, 10)]
    assert waits[0] == waits[-1] == offset_watch.LOOK_EVERY_S
    assert min(waits[6:-1]) >= LONGEST_WAIT_S / 2
    assert max(waits) <= LONGEST_WAIT_S
