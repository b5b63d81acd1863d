"""A worker that swaps thousands of times holds one model, not all that it ever had."""

from __future__ import annotations

import psutil
import pytest

from relearn.schemas.settings import Settings
from tests.support.data import models
from tests.support.faults.streaming import Stream
from tests.support.processes.logs import events
from tests.support.processes.workers import WorkerProcess, workers
from tests.support.waiting import eventually

EARLY, LATE = 1_000, 5_000
#: A model with this number of classes takes more than 20 kB: 4,000 that were kept would take 80 MB.
CLASSES = tuple(f"class-{i}" for i in range(300))
BOUND_BYTES = 20 * 1024 * 1024
RATE = 50


@pytest.mark.long
def test_five_thousand_swaps_leave_memory_as_it_was(migrated: Settings) -> None:
    models.publish(migrated, models.a_model(1, classes=CLASSES), 1)
    with workers(migrated, score=1) as running:
        worker = running["score-1"]
        with Stream(migrated, rate=RATE, at_least=RATE) as stream:
            _swap(migrated, worker, range(2, EARLY + 1))
            early = _memory_bytes(worker)
            _swap(migrated, worker, range(EARLY + 1, LATE + 1))
            late = _memory_bytes(worker)
            print(f"{early / 2**20:.1f} MiB after {EARLY} swaps, {late / 2**20:.1f} after {LATE}")  # noqa: T201 - a figure
            records = stream.finish()
            eventually(lambda: _scored(worker) >= records, lambda: f"{_scored(worker)} of {records} were scored")
            assert late - early < BOUND_BYTES
            assert (worker.starts, worker.running) == (1, True)


def _swap(settings: Settings, worker: WorkerProcess, activations: range) -> None:
    """Make a new champion for each activation, until the worker has the last one and scores with it."""
    for activation in activations:
        model = models.a_model(activation, classes=CLASSES, seed=activation)
        models.publish(settings, model, activation)
    worker.wait_for(f"activation={activations[-1]} shadow=")


def _scored(worker: WorkerProcess) -> int:
    return sum(int(chunk["records"]) for chunk in events(worker.log, "chunk_scored"))


def _memory_bytes(worker: WorkerProcess) -> int:
    return int(psutil.Process(worker.pid).memory_info().rss)
