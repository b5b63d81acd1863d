"""Batches as events: what one commit changed, and what several did, in one event of a bounded size. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from datetime import UTC, datetime

from relearn.agents.stores.live.layout import Changes
from relearn.agents.stores.predictions.totals import BatchTotal
from relearn.schemas.http.events import BatchEvent, EventBatch

#: More batches than that are only counted.
MOST_BATCHES = 50


def batch_event(changes: Changes) -> BatchEvent:
    """The event of one commit. How many records there are in all, its reader knows better."""
    latest = heapq.nlargest(MOST_BATCHES, changes.batches, key=lambda total: total.last_s)
    return BatchEvent([_batch(total) for total in latest], len(changes.batches) - len(latest))


def merged(events: Iterable[BatchEvent]) -> BatchEvent:
    """One event for several: of each batch, and of all records, the newest number, which is the largest."""
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


def _batch(total: BatchTotal) -> EventBatch:
    return EventBatch(total.batch, total.records, _time(total.first_s), _time(total.last_s))


def _time(at_s: float) -> str:
    """Always with microseconds, so that texts sort as times do."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="microseconds")
