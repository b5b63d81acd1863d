"""Workers that come and go while the stream runs: partitions move, and no record is lost or stored twice."""

from __future__ import annotations

import pytest

from relearn.schemas.settings import Settings
from tests.support.data import models
from tests.support.data.rows import caught_up, stored, value
from tests.support.faults.streaming import Stream
from tests.support.processes.workers import WorkerProcess, workers
from tests.support.size import FULL
from tests.support.waiting import eventually

RATE = 4_000
TIMES = 20 if FULL else 3


@pytest.mark.long
def test_partitions_that_move_lose_nothing(migrated: Settings) -> None:
    models.publish(migrated, models.a_model(), 1)
    with workers(migrated, score=1, store=1) as running, Stream(migrated, rate=RATE, at_least=RATE) as stream:
        eventually(lambda: stored(migrated) > 0, lambda: running["score-1"].log[-2000:])
        for number in range(TIMES):
            for role in ("score", "store"):
                # Without a name that stays, a worker joins and leaves the group at once: two rebalances each.
                guest = WorkerProcess(migrated, role, f"guest-{role}-{number}", static=False)
                guest.wait_for("chunk_scored" if role == "score" else "blocks_stored")
                assert guest.terminate() == 0
        records = stream.finish()
        eventually(lambda: stored(migrated) >= records, lambda: f"{stored(migrated)} of {records} were stored")
        assert stored(migrated) == value(migrated, "SELECT count(*) FROM predictions") == records
        eventually(lambda: caught_up(migrated, "score", "ingest"), "score has not committed to the end")
        eventually(lambda: caught_up(migrated, "store", "predictions"), "store has not committed to the end")
