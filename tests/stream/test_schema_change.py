"""A feature is added and one is retired while a stream runs: nothing is lost, and every model answers again alike."""

from __future__ import annotations

import asyncio
import csv
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from confluent_kafka import Producer

from relearn.agents.kafka.config import librdkafka_config
from relearn.schemas.messages.ingest import encode_record, encode_records
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from relearn.scripts.client.migrations import run_migrations
from tests.support.data.models import ensure_keys
from tests.support.data.rows import query
from tests.support.processes.commands import relearn
from tests.support.processes.workers import workers
from tests.support.waiting import eventually

#: What makes one message of rows with `a`, `b` and `c`, and how many records it has.
Form = tuple[Callable[[Sequence[float]], bytes], int]

OLD: tuple[Form, ...] = (
    (lambda row: encode_record(np.array(row[:2])), 1),
    (lambda row: encode_record(list(row[:2])), 1),
    (lambda row: encode_record({"b": row[1], "a": row[0]}), 1),
    (lambda row: encode_records(np.array([row[:2]] * 5)), 5),
)
NEW: tuple[Form, ...] = (
    (lambda row: encode_record(np.array(row)), 1),
    (lambda row: encode_record({"c": row[2], "b": row[1], "a": row[0]}), 1),
    (lambda row: json.dumps({"features": list(row)}).encode(), 1),
    (lambda row: encode_records(np.array([row] * 5), names=["a", "b", "c"]), 5),
)
LATEST: tuple[Form, ...] = (
    (lambda row: encode_record([row[1], row[2]], schema=3), 1),
    (lambda row: encode_record({"b": row[1], "c": row[2]}), 1),
)


class Stream:
    """Sends records until the block ends, in the forms that `forms` holds then. `sent`: how many."""

    def __init__(self, settings: Settings) -> None:
        self.forms, self.sent = OLD, 0
        self._topic, self._ended = topic_name(settings.namespace, "ingest"), threading.Event()
        self._producer = Producer(librdkafka_config(settings))
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        rng = np.random.default_rng(0)
        while not self._ended.wait(0.005):
            for row in rng.normal(size=(10, 3)).tolist():
                make, records = self.forms[self.sent % len(self.forms)]
                self._producer.produce(self._topic, make(row))
                self.sent += records
            self._producer.poll(0)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send while the block runs, and until all is acknowledged."""
        self._thread.start()
        try:
            yield
        finally:
            self._ended.set()
            self._thread.join()
            assert self._producer.flush(30) == 0


def write_table(path: Path, names: str, n: int, seed: int) -> Path:
    """Rows whose label depends on `a` and `c`."""
    rows = np.random.default_rng(seed).normal(size=(n, 3))
    labels = np.where(rows[:, 0] + rows[:, 2] > 0, "yes", "no")
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow([*names, "answer"])
        for row, label in zip(rows, labels, strict=True):
            out.writerow([*(row["abc".index(name)] for name in names), label])
    return path


def test_features_change_while_the_stream_runs(settings: Settings, tmp_path: Path) -> None:
    asyncio.run(run_migrations(settings))
    ensure_keys(settings)
    first, second = write_table(tmp_path / "1.csv", "ab", 120, 1), write_table(tmp_path / "2.csv", "abc", 300, 2)
    with workers(settings, score=2, store=1, feedback=1, retrain=1):
        assert _run(settings, "model", "train", "--data", str(first), "--label", "answer").returncode == 0
        stream = Stream(settings)
        with stream.running():
            _wait_for_rows(settings, 1000)
            added = _run(settings, "schema", "add", "c", "--kind", "number", "--default", "0.5", "--json")
            assert added.returncode == 0, added.stderr
            assert json.loads(added.stdout)["version"] == 2
            stream.forms = (*OLD, *NEW)
            _wait_for_rows(settings, stream.sent + 1000)
            trained = _run(settings, "model", "train", "--data", str(second), "--label", "answer")
            assert trained.returncode == 0, trained.stdout + trained.stderr
            _wait_for_rows(settings, stream.sent + 1000)
            assert {one["model"] for one in query(settings, "SELECT DISTINCT model FROM predictions")} == {1, 2}
            refused = _run(settings, "schema", "retire", "a")
            assert (refused.returncode, "--reuse-length" in refused.stderr) == (1, True)
            retired = _run(settings, "schema", "retire", "a", "--reuse-length")
            assert retired.returncode == 0, retired.stderr
            stream.forms = (OLD[2], *NEW, *LATEST)
            _wait_for_rows(settings, stream.sent + 1000)
        eventually(lambda: _count(settings, "predictions") == stream.sent, lambda: _missing(settings, stream.sent))
    assert _count(settings, "dead_letters") == 0
    found = "SELECT DISTINCT model, coalesce(schema, model) FROM predictions ORDER BY 1, 2"  # model 2: of version 2
    versions = query(settings, found)
    assert [tuple(row) for row in versions] == [(1, 1), (1, 2), (2, 2), (2, 3)]
    assert query(settings, "SELECT schema FROM models ORDER BY version") == [(1,), (2,)]
    for version in ("1", "2"):
        replayed = _run(settings, "replay", "--from", "1h", "--model", version, "--json")
        assert replayed.returncode == 0, replayed.stderr
        margins = json.loads(replayed.stdout)["margins"]
        assert (margins["compared"] > 1000, margins["off"]) == (True, 0)
    shown = json.loads(_run(settings, "schema", "show", "--json").stdout)
    assert [one["name"] for one in shown["features"]] == ["b", "c"]
    assert [one["version"] for one in shown["history"]] == [1, 2, 3]


def _run(settings: Settings, *arguments: str) -> Any:
    return relearn(settings, *arguments)


def _wait_for_rows(settings: Settings, rows: int) -> None:
    eventually(lambda: _count(settings, "predictions") >= rows, lambda: _missing(settings, rows))


def _missing(settings: Settings, rows: int) -> str:
    letters = query(settings, "SELECT agent, reason, error, count(*) FROM dead_letters GROUP BY 1, 2, 3 LIMIT 5")
    return f"{_count(settings, 'predictions')} rows of {rows}; dead letters: {[tuple(row) for row in letters]}"


def _count(settings: Settings, table: str) -> int:
    return int(query(settings, f"SELECT count(*) FROM {table}")[0][0])
