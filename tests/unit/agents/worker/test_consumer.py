"""Faust's periodic check of partitions, on aiokafka's own state of a partition. No broker is needed."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.consumer.fetcher import OffsetResetStrategy
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.structs import TopicPartition
from faust.types import TP

from relearn.agents.worker.app import make_app
from relearn.agents.worker.consumer import ChunkConsumer
from relearn.schemas.settings import Settings

AT = TP("relearn.ingest", 0)


def _resetting() -> SubscriptionState:
    """A partition that has been fetched, and whose position is being reset: there is none for the moment."""
    state: Any = SubscriptionState()
    partition = TopicPartition(AT.topic, AT.partition)
    state.assign_from_user({partition})
    found = state.subscription.assignment.state_value(partition)
    found.timestamp = round(time.time() * 1000)
    found.await_reset(OffsetResetStrategy.EARLIEST)
    return cast(SubscriptionState, state)


async def test_a_partition_whose_position_is_being_reset_ends_no_worker(tmp_path: Path) -> None:
    """After records were deleted, or a topic was made again. An exception here ends the process."""
    app = make_app(Settings(data_dir=tmp_path), "score", "score-1")
    consumer = cast(ChunkConsumer, app.consumer)
    thread: Any = consumer._thread
    thread._consumer = SimpleNamespace(_fetcher=SimpleNamespace(_subscriptions=_resetting()))
    thread.thread_loop.close()  # it isn't started
    thread.assignment = lambda: {AT}
    thread.time_started = time.monotonic()
    with pytest.raises(AssertionError):
        thread.verify_event_path(time.monotonic(), AT)  # what Faust's check does
    assert consumer.assignment() == {AT}
    await consumer.verify_all_partitions_active()
