"""Live events of bounded size: stored batches, one commit or several merged, and recorded corrections. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from relearn.agents.stores.feedback.corrections import Recorded
from relearn.agents.stores.live.layout import Changes
from relearn.agents.stores.predictions.totals import BatchTotal
from relearn.schemas.http.events import BatchEvent, CorrectionEvent, EventBatch

#: Maximum number of batches in one event. Further batches are only counted.
MOST_BATCHES = 50
#: Maximum number of correction events of one commit. Above it, one event shows the last and counts the others.
MOST_EVENTS = 100


def batch_event(changes: Changes) -> BatchEvent:
    """The event of one commit."""
    latest = heapq.nlargest(MOST_BATCHES, changes.batches, key=lambda total: total.last_s)
    return BatchEvent([_batch(total) for total in latest], len(changes.batches) - len(latest))


def merge_batch_events(events: Iterable[BatchEvent]) -> BatchEvent:
    """One event for several, with the newest number of each batch, which is the largest."""
    batches: dict[str, EventBatch] = {}
    more = 0
    for event in events:
        more += event.more
        for one in event.batches:
            before = batches.get(one.batch)
            if before is None or one.records >= before.records:
                batches[one.batch] = one
    latest = heapq.nlargest(MOST_BATCHES, batches.values(), key=lambda one: one.last_at)
    return BatchEvent(latest, more + len(batches) - len(latest))


def correction_events(recorded: Sequence[Recorded]) -> list[CorrectionEvent]:
    """One event for each row of one commit; a single event if there are more than MOST_EVENTS."""
    if len(recorded) > MOST_EVENTS:
        return [_correction(recorded[-1], more=len(recorded) - 1)]
    return [_correction(one) for one in recorded]


def _batch(total: BatchTotal) -> EventBatch:
    return EventBatch(total.batch, total.records, _time(total.first_s), _time(total.last_s))


def _time(at_s: float) -> str:
    """ISO 8601 with microseconds, so that texts sort in the order of time."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="microseconds")


def _correction(one: Recorded, more: int = 0) -> CorrectionEvent:
    corrects = one.label is not None and one.label != one.predicted
    said = (one.feedback, one.label, one.predicted, corrects, one.reviewer, one.via)
    return CorrectionEvent(str(one.place), *said, more)
