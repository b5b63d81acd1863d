"""A worker's heartbeat."""

from __future__ import annotations

from typing import Any

import pytest
from faust.types import TP

from relearn.agents.availability.notices import DETAIL_MAX_CHARS, NOTICES_MAX, Notices
from relearn.agents.models.live import LiveModel, Served
from relearn.agents.worker.heartbeat import heartbeat
from relearn.agents.worker.offset_ledger import Ledger
from relearn.agents.worker.state import WorkerState
from tests.support.data.models import a_model


class Consumer:
    """As much of a consumer as a heartbeat looks at: positions by partition, and where each ends."""

    def __init__(self, ends: dict[TP, int | None], committed: dict[TP, int | None]) -> None:
        self.ledger: Ledger[TP] = Ledger()
        self._ends = ends
        self._committed_offset = committed

    def assignment(self) -> set[TP]:
        return set(self._ends)

    def highwater(self, tp: TP) -> int | None:
        return self._ends[tp]


class App:
    def __init__(self, consumer: Any = None) -> None:
        self._consumer = consumer

    @property
    def consumer(self) -> Any:
        if self._consumer is None:
            raise RuntimeError("not started")
        return self._consumer


def beat(consumer: Consumer | None) -> dict[str, Any]:
    return heartbeat(App(consumer), WorkerState("score-1", "score"), rate=12.34, now_s=5.0)  # type: ignore[arg-type]


def test_a_worker_names_the_models_that_it_has() -> None:
    """The champion and the shadow, each by its version."""
    state = WorkerState("score-1", "score", live=LiveModel())
    assert state.live is not None
    state.live.current, state.live.shadow = Served(a_model(3), 5), Served(a_model(4), 6)
    told = heartbeat(App(), state, rate=0.0, now_s=5.0)  # type: ignore[arg-type]
    assert (told["model"], told["activation"], told["shadow"]) == (3, 5, 4)


A, B = TP("ingest", 0), TP("ingest", 10)


def test_a_worker_that_has_not_started_says_so() -> None:
    """No partitions, an unknown lag, no model: but it is there."""
    assert beat(None) == {
        "id": "score-1",
        "role": "score",
        "model": None,
        "activation": None,
        "shadow": None,
        "partitions": [],
        "lag": None,
        "rate": 12.3,
        "skipped": 0,
        "unseen": 0,
        "ignored": 0,
        "schema": None,
        "seen_at": 5.0,
        "condition": "starting",
        "notices": [],
    }


def test_lag_is_what_is_not_processed_over_all_partitions() -> None:
    """From what was processed, else from what was committed before, else from the beginning."""
    consumer = Consumer({A: 100, B: 50}, {B: 20})
    assert beat(consumer)["lag"] == 100 + 30
    consumer.ledger.done(consumer.ledger.issue({A: 99, B: 50}))
    assert beat(consumer)["lag"] == 1
    assert beat(consumer)["partitions"] == ["ingest-0", "ingest-10"]


def test_lag_is_unknown_before_the_first_fetch() -> None:
    """Rather nothing than a number that is too small."""
    assert beat(Consumer({A: 100, B: None}, {}))["lag"] is None


def test_a_heartbeat_carries_notices() -> None:
    """Each with its code, its detail in one line, and the time of its first setting."""
    now = iter((100.0, 200.0))
    state = WorkerState("score-1", "score", notices=Notices(clock=lambda: next(now)))
    state.notices.set("gap", "10 records\nare gone")
    state.notices.set("fenced", "another worker has this id")
    state.notices.set("gap", "12 records are gone")
    told = heartbeat(App(), state, rate=0.0, now_s=5.0)  # type: ignore[arg-type]
    assert told["notices"] == [
        {"code": "gap", "detail": "12 records are gone", "since": 100.0},
        {"code": "fenced", "detail": "another worker has this id", "since": 200.0},
    ]
    state.notices.clear("gap")
    state.notices.clear("never set")
    assert [one["code"] for one in state.notices.listed()] == ["fenced"]


def test_notices_are_bounded() -> None:
    """In number and in length, whatever sets them."""
    notices = Notices()
    for number in range(2 * NOTICES_MAX):
        notices.set(f"gap:{number}", "x" * 10_000)
    assert len(notices.listed()) == NOTICES_MAX
    assert {len(str(one["detail"])) for one in notices.listed()} == {DETAIL_MAX_CHARS}


def test_a_condition_lasts_as_long_as_its_cause_however_many_there_are() -> None:
    """Two waits at once, the first of them ending first, and by an error."""
    state = WorkerState("store-1", "store", stage="ready")
    second = state.meanwhile("waiting for Kafka")
    with pytest.raises(RuntimeError), state.meanwhile("waiting for Postgres"):
        second.__enter__()
        raise RuntimeError
    assert state.condition == "waiting for Kafka"
    second.__exit__(None, None, None)
    assert state.condition == "ready"
