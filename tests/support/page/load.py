"""The live events of a busy system, faster than real time: an hour of events in a minute."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count

from relearn.schemas.http.events import (
    BatchEvent,
    CorrectionEvent,
    EventBatch,
    EventData,
    JobEvent,
    ModelEvent,
    WorkerEvent,
)

AT = "2026-01-31T12:00:00.000000+00:00"


def batch(number: int) -> BatchEvent:
    """One commit: three batches have grown, `batch-NUMBER` the last of them."""
    at_s = 1_790_000_000 + number / 1000
    at = datetime.fromtimestamp(at_s, UTC).isoformat(timespec="microseconds")
    return BatchEvent([EventBatch(f"batch-{number - i}", 40 + number % 7, AT, at) for i in range(3)])


def busy(each: int) -> Iterator[list[EventData]]:
    """Without end, the events of five busy seconds: `each` corrections, commits, heartbeats, and at times a job
    and a swap."""
    for step in count(1):
        events: list[EventData] = [correction(step * each + i) for i in range(each)]
        events += [batch(step * 10 + i) for i in range(10)]
        events += [worker(step)]
        if step % 12 == 0:
            events += [job(step // 12, state) for state in ("queued", "running", "promoted")]
            events.append(ModelEvent(step // 12, "champion", step // 12, f"job-{step}", None, {}, AT))
        yield events


def correction(number: int) -> CorrectionEvent:
    """A correction of a prediction."""
    return CorrectionEvent(f"2-{number}-0", f"feedback-{number}", "yes", "no", True, "ann", "queue")


def worker(number: int) -> WorkerEvent:
    """One of ten workers has other partitions."""
    name = f"score-{number % 10}"
    return WorkerEvent(
        name,
        "score",
        model=1,
        activation=1,
        shadow=None,
        partitions=[f"ingest/{number % 8}"],
        lag=number % 50,
        rate=2000.0,
        skipped=0,
        unseen=0,
        ignored=0,
        schema=1,
        condition="ready",
        seen_at=AT,
        notices=[],
    )


def job(number: int, state: str) -> JobEvent:
    """A training is in another state."""
    told = ("train", state, {"trigger": "count"}, number, "policy", None, None, None)
    return JobEvent(f"job-{number}", *told, AT, AT, None, None)
