"""Hostile batches beside a good stream: no worker restarts, memory stays bounded, refusals are exact to the record."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from relearn.agents.fetch.decompress import GZIP, LZ4, SNAPPY, ZSTD
from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.settings import Settings
from tests.support.data import models
from tests.support.data.batches import Row, batch_of, produce, records_of, rewritten
from tests.support.data.rows import caught_up, query, stored
from tests.support.processes.workers import WorkerProcess, workers
from tests.support.waiting import eventually

MIB = 1024 * 1024
#: How far the peak of a worker's memory may rise above that of good records alone.
MEMORY_TIMES = 1.5


@pytest.fixture
def partitions() -> int:
    return 2


def _memory_bytes(worker: WorkerProcess, field: str) -> int:
    lines = Path(f"/proc/{worker.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def _good(n: int, seed: int) -> list[Row]:
    features = np.random.default_rng(seed).normal(size=(n, 4))
    return [(None, encode_record(row, record_id=f"{seed}-{i}"), []) for i, row in enumerate(features)]


def _hostile() -> dict[str, tuple[list[bytes], Counter[str]]]:
    """Batches by shape, and the dead letters that they become."""
    plain = batch_of([(None, b"1", [("name", b"v")])])
    empties = b"\x82\xa1n\xce\x00\x7f\x00\x00\xa8features\xdd\x00\x7f\x00\x00" + b"\x90" * 0x7F0000
    return {
        "zeros that expand": ([batch_of([(None, bytes(MIB), [])] * 40, ZSTD)], Counter({"unreadable": 40})),
        "one large value": (
            [batch_of([(b"k", bytes(12 * MIB), [])], codec) for codec in (GZIP, LZ4, SNAPPY, ZSTD)],
            Counter({"too-large": 4}),
        ),
        "empty rows": ([batch_of([(None, empties, [])], codec) for codec in (0, ZSTD)], Counter({"too-large": 2})),
        "headers": (
            [batch_of([(None, b"1", [("", None)] * 300_000)], c) for c in (0, GZIP)],
            Counter({"too-large": 2}),
        ),
        "a header that isn't UTF-8": (
            [rewritten(plain, 0, records_of(plain).replace(b"name", b"\xff\xfe\xfd\xfc"))],
            Counter({"unreadable": 1}),
        ),
    }


def test_hostile_batches_cost_what_they_weigh(migrated: Settings) -> None:
    models.publish(migrated, models.a_model(), 1)
    with workers(migrated, score=1, store=1) as running:
        good = 0
        for i in range(20):
            good += 3000
            assert produce(migrated, "ingest", batch_of(_good(3000, i), LZ4), partition=i % 2) == [0]
        eventually(lambda: stored(migrated) == good, lambda: running["score-1"].log[-3000:])
        pids = {name: worker.pid for name, worker in running.items()}
        before = {name: _memory_bytes(worker, "VmHWM") for name, worker in running.items()}
        for worker in running.values():
            Path(f"/proc/{worker.pid}/clear_refs").write_text("5")  # the peak begins here
        expected: Counter[str] = Counter()
        for i, (batches, letters) in enumerate(_hostile().values(), 100):
            assert produce(migrated, "ingest", *batches, partition=i % 2) == [0] * len(batches)
            expected += letters
            good += 100
            assert produce(migrated, "ingest", batch_of(_good(100, i)), partition=i % 2) == [0]
            assert produce(migrated, "ingest", batch_of(_good(100, i + 1000), ZSTD), partition=(i + 1) % 2) == [0]
            good += 100
        eventually(
            lambda: caught_up(migrated, "score", "ingest") and stored(migrated) == good,
            lambda: "\n".join(worker.log[-3000:] for worker in running.values()),
        )
        eventually(lambda: _letters(migrated) == expected, lambda: f"{_letters(migrated)} instead of {expected}")
        for name, worker in running.items():
            peak = _memory_bytes(worker, "VmHWM")
            print(f"{name}: {before[name] / MIB:.0f} MiB, peak {peak / MIB:.0f} MiB")  # noqa: T201 - a figure
            assert worker.pid == pids[name], worker.log[-3000:]
            assert worker.running
            assert peak < MEMORY_TIMES * before[name]


def _letters(settings: Settings) -> Counter[str]:
    rows = query(settings, "SELECT reason, count(*) AS n FROM dead_letters GROUP BY reason")
    return Counter({row["reason"]: row["n"] for row in rows})
