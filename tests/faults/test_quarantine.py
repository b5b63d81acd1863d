"""A message that kills each worker that reads it is quarantined; no other message is, whatever else kills workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
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
from tests.support.paths import ROOT
from tests.support.processes.workers import environment, workers
from tests.support.waiting import eventually

DEADLY = b"this message ends the process that decodes it"
#: Loaded by each interpreter that has its folder in PYTHONPATH: the fault in a decoder that no test knows.
_SITE = f"""
import os, signal
from relearn.schemas.messages import ingest_fast_path
from relearn.schemas.messages.records import UnreadMessage
add = ingest_fast_path._add
def deadly(builder, message, pack_row):
    if message.value == {DEADLY!r} and type(message) is not UnreadMessage:
        os.kill(os.getpid(), signal.SIGKILL)
    add(builder, message, pack_row)
ingest_fast_path._add = deadly
"""


@pytest.fixture
def partitions() -> int:
    return 2


class Restarted:
    """A score worker whose decoder has the fault, restarted when it has died."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        (folder / "sitecustomize.py").write_text(_SITE)
        given = environment(settings, LOG_LEVEL="debug")
        paths = [str(folder), *filter(None, [given.get("PYTHONPATH")])]
        self._environment = {**given, "PYTHONPATH": os.pathsep.join(paths)}
        self.log_path = folder / "score-1.log"
        self.codes: list[int] = []
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "relearn.scripts", "worker", "score", "--id", "score-1"]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)

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
                assert produce(migrated, "ingest", batch_of(good(600)), partition=partition) == [0]
            sent += 1200
            chunks = worker.log.count("event=chunk_scored")
            eventually(partial(worker.scored_more_than, chunks), lambda: worker.log[-3000:])
            worker.kill()
        eventually(lambda: stored(migrated) == sent, lambda: worker.log[-3000:])

        rows = [*good(500), (b"key", DEADLY, [("h", b"v")]), *good(500)]
        assert produce(migrated, "ingest", batch_of(rows), partition=0) == [0]
        assert produce(migrated, "ingest", batch_of(good(1000)), partition=1) == [0]
        sent += 2000

        def over() -> bool:
            worker.restart_if_dead()
            return stored(migrated) == sent and caught_up(migrated, "score", "ingest")

        eventually(over, lambda: worker.log[-5000:])
        assert worker.codes == [-signal.SIGKILL] * migrated.quarantine_deaths
        (letter,) = messages(migrated, "dead-letters")
        headers = dict(letter.headers())
        assert (letter.key(), letter.value()) == (b"key", DEADLY)
        assert (headers["reason"], headers["partition"], headers["offset"]) == (b"quarantined", b"0", b"2300")
        assert worker.log.count("event=quarantined") == 1
        eventually(lambda: value(migrated, "SELECT count(*) FROM dead_letters") == 1, "the dead letter is not stored")
