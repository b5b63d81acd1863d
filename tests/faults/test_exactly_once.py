"""Workers killed in the middle of a stream: every record is stored exactly once, and offsets end at the end."""

from __future__ import annotations

import time
from collections import Counter

from relearn.schemas.messages.predictions import decode_block
from relearn.schemas.settings import Settings
from relearn.schemas.topics import TopicName
from tests.support.data import models
from tests.support.data.rows import caught_up, committed_offsets, end_offsets, messages, query, stored, value
from tests.support.faults.streaming import Stream
from tests.support.processes.workers import WorkerProcess, workers
from tests.support.waiting import eventually

AT_LEAST = 50_000
RATE = 8_000


def _resumes(settings: Settings, what: str, role: str, topic: TopicName) -> None:
    """Wait until the role has committed all that stood on every partition just then; print how long that took."""
    began, ends = time.monotonic(), end_offsets(settings, topic)

    def behind() -> set[int]:
        committed = committed_offsets(settings, role, topic)
        return {partition for partition, end in ends.items() if committed[partition] < end}

    eventually(lambda: not behind(), lambda: f"partitions {behind()} stood still after {what}")
    print(f"{what}: all partitions go on after {time.monotonic() - began:.1f} s")  # noqa: T201 - a figure, not a bar


def test_killed_and_stopped_workers_lose_and_double_nothing(migrated: Settings) -> None:
    models.publish(migrated, models.a_model(), 1)
    with workers(migrated, score=2, store=1) as running, Stream(migrated, rate=RATE, at_least=AT_LEAST) as stream:
        eventually(lambda: stored(migrated) > 2_000, lambda: "\n".join(w.log[-2000:] for w in running.values()))
        running["score-1"].kill()
        unfinished = _unfinished(migrated)
        running["score-1"].start()
        _resumes(migrated, "kill -9 of score-1", "score", "ingest")
        running["store-1"].kill()
        running["store-1"].start()
        _resumes(migrated, "kill -9 of store-1", "store", "predictions")
        for name, topic in (("score-2", "ingest"), ("store-1", "predictions")):
            assert running[name].terminate() == 0
            running[name].start()
            _resumes(migrated, f"SIGTERM of {name}", name.split("-")[0], topic)
        records = stream.finish()
        eventually(lambda: stored(migrated) >= records, lambda: f"{stored(migrated)} of {records} were stored")
        _agrees(migrated, running, records)
        _only_the_unfinished_is_scored_again(migrated, unfinished)


def _agrees(settings: Settings, running: dict[str, WorkerProcess], records: int) -> None:
    rows, places, ids = query(
        settings,
        "SELECT count(*), count(DISTINCT (kafka_partition, kafka_offset, record_index)), count(DISTINCT id)"
        " FROM predictions",
    )[0]
    assert (rows, places, ids) == (records, records, records)
    assert stored(settings) == records
    assert value(settings, "SELECT count(*) FROM dead_letters") == 0
    eventually(lambda: caught_up(settings, "score", "ingest"), "score has not committed to the end")
    eventually(lambda: caught_up(settings, "store", "predictions"), "store has not committed to the end")
    assert all(worker.running for worker in running.values())


def _unfinished(settings: Settings) -> dict[int, range]:
    """Per partition of `ingest` the offsets that are on it and not committed."""
    committed = committed_offsets(settings, "score", "ingest")
    return {partition: range(committed[partition], end) for partition, end in end_offsets(settings, "ingest").items()}


def _only_the_unfinished_is_scored_again(settings: Settings, unfinished: dict[int, range]) -> None:
    """What the killed worker had not committed may be scored twice, and nothing else: not at a SIGTERM, not thrice."""
    times: Counter[tuple[int, int]] = Counter()
    for message in messages(settings, "predictions"):
        block = decode_block(message.value())
        times.update((block.partition, offset) for offset in block.offsets.tolist())
    again = {place for place, count in times.items() if count > 1}
    print(f"scored again: {len(again)} of {len(times)}")  # noqa: T201 - a figure, not a bar
    assert max(times.values()) <= 2
    assert {(p, o) for p, o in again if o not in unfinished[p]} == set()
