"""A message that kills each worker that reads it is quarantined; no other message is, whatever else kills workers."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.settings import Settings
from tests.support.data import models
from tests.support.data.batches import batch_of, produce
from tests.support.data.rows import caught_up, messages, stored, value
from tests.support.faults.deadly import DEADLY, break_decoder
from tests.support.processes.forked import ForkedCommand
from tests.support.processes.workers import environment, workers
from tests.support.waiting import eventually


@pytest.fixture
def partitions() -> int:
    return 2


class Restarted:
    """A score worker whose decoder has the fault, restarted when it has died."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._environment = environment(settings, LOG_LEVEL="debug")
        self.log_path = folder / "score-1.log"
        self.codes: list[int] = []
        self.start()

    def start(self) -> None:
        argv = ("worker", "score", "--id", "score-1")
        self._process = ForkedCommand(argv, self._environment, self.log_path, before=break_decoder)

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def scored_more_than(self, chunks: int) -> bool:
        return self.log.count("event=chunk_scored") > chunks

    def restart_if_dead(self) -> None:
        code = self._process.poll()
        if code is not None:
            self.codes.append(code)
            self.start()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self.start()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def restarted(settings: Settings, folder: Path) -> Iterator[Restarted]:
    worker = Restarted(settings, folder)
    try:
        yield worker
    finally:
        worker.stop()


def test_a_deadly_message_is_quarantined_and_no_other_one(migrated: Settings, tmp_path: Path) -> None:
    """Before it, the worker is killed again and again beside good records: nothing is quarantined for that."""
    rng = np.random.default_rng(5)

    def good(n: int) -> list[tuple[bytes, bytes, list[tuple[str, bytes | None]]]]:
        return [(b"k", encode_record(row), []) for row in rng.normal(size=(n, 4))]

    models.publish(migrated, models.a_model(), 1)
    with workers(migrated, store=1), restarted(migrated, tmp_path) as worker:
        sent = 0
        for _ in range(3):
            for partition in (0, 1):
                assert produce(migrated, "ingest", batch_of(good(100)), partition=partition) == [0]
            sent += 200
            chunks = worker.log.count("event=chunk_scored")
            eventually(partial(worker.scored_more_than, chunks), lambda: worker.log[-3000:])
            worker.kill()
        eventually(lambda: stored(migrated) == sent, lambda: worker.log[-3000:])

        rows = [*good(100), (b"key", DEADLY, [("h", b"v")]), *good(100)]
        assert produce(migrated, "ingest", batch_of(rows), partition=0) == [0]
        assert produce(migrated, "ingest", batch_of(good(200)), partition=1) == [0]
        sent += 400

        def over() -> bool:
            worker.restart_if_dead()
            return stored(migrated) == sent and caught_up(migrated, "score", "ingest")

        eventually(over, lambda: worker.log[-5000:])
        assert worker.codes == [-signal.SIGKILL] * migrated.quarantine_deaths
        (letter,) = messages(migrated, "dead-letters")
        headers = dict(letter.headers())
        assert (letter.key(), letter.value()) == (b"key", DEADLY)
        assert (headers["reason"], headers["partition"], headers["offset"]) == (b"quarantined", b"0", b"400")
        assert worker.log.count("event=quarantined") == 1
        eventually(lambda: value(migrated, "SELECT count(*) FROM dead_letters") == 1, "the dead letter is not stored")
