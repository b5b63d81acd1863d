"""Measurements while a scene runs, and the restart of workers that end: what a supervisor would do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import asyncpg
import psutil
from confluent_kafka import KafkaException

from relearn.schemas.topics import TopicName
from relearn.scripts.dev.bench.faults.probe import NeverHappened, Probe
from relearn.scripts.dev.bench.faults.workers import Worker

RESTART_S = 0.5
INPUT: dict[str, TopicName] = {"score": "ingest", "store": "predictions", "feedback": "feedback", "retrain": "commands"}


class Watch:
    """Three threads: workers (restarts, memory, descriptors), rows (pauses), groups (idle partitions)."""

    def __init__(self, workers: Mapping[str, Worker], probe: Callable[[], Probe], roles: Mapping[str, int]) -> None:
        self._workers = workers
        self._probe = probe
        self._roles = [role for role in ("score", "store") if role in roles]
        self._ended = threading.Event()
        self.memory: dict[str, list[int]] = {}
        """Resident bytes by worker, once a second."""
        self.descriptors: dict[str, list[int]] = {}
        self._longest_pause_s = 0.0
        self._stored_at = time.monotonic()
        self.longest_idle_s = 0.0
        """The longest time in which a partition with lag had nothing committed."""
        self.lags: list[int] = []
        self.errors: list[str] = []
        """Of threads that have ended by them: what they measure is unknown from then on."""
        self._threads = [
            threading.Thread(target=self._noting_errors, args=(work,), name=work.__name__, daemon=True)
            for work in (self._keep, self._watch_rows, self._watch_groups)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def _noting_errors(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as exc:
            self.errors.append(f"{work.__name__}: {type(exc).__name__}: {exc}")
            raise

    def stop(self) -> None:
        """End, if it has begun; workers are not restarted any more."""
        self._ended.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(60)

    def reset(self) -> None:
        """Forget the pauses measured so far."""
        self._longest_pause_s = self.longest_idle_s = 0.0
        self._stored_at = time.monotonic()

    def longest_pause_s(self) -> float:
        """Between two looks at which more rows were stored: at least the time between two looks, about 0.1 s."""
        return max(self._longest_pause_s, time.monotonic() - self._stored_at)

    def _keep(self) -> None:
        dead: dict[str, float] = {}
        sampled = 0.0
        while not self._ended.wait(0.1):
            now = time.monotonic()
            for name, worker in list(self._workers.items()):
                if worker.running or not worker.wanted:
                    dead.pop(name, None)
                elif now - dead.setdefault(name, now) > RESTART_S:
                    worker.restart_if_dead()
            if now - sampled > 1:
                sampled = now
                for name, worker in list(self._workers.items()):
                    self._sample(name, worker)

    def _sample(self, name: str, worker: Worker) -> None:
        if not worker.running:
            return
        try:
            process = psutil.Process(worker.pid)
            self.memory.setdefault(name, []).append(process.memory_info().rss)
            self.descriptors.setdefault(name, []).append(process.num_fds())
        except psutil.Error:
            return  # it has ended just now

    def _watch_rows(self) -> None:
        probe, last = self._probe(), -1
        try:
            while not self._ended.wait(0.1):
                now_stored = _tried(probe.stored)
                now = time.monotonic()
                self._longest_pause_s = max(self._longest_pause_s, now - self._stored_at)
                if now_stored is not None and now_stored != last:
                    last, self._stored_at = now_stored, now
        finally:
            probe.close()

    def _watch_groups(self) -> None:
        probe = self._probe()
        moved: dict[tuple[str, int], tuple[int, float]] = {}
        try:
            while not self._ended.wait(0.5):
                for role in self._roles:
                    ends = _tried(lambda role=role: probe.ends(INPUT[role]))  # type: ignore[misc]
                    done = _tried(lambda role=role: probe.committed(role, INPUT[role]))  # type: ignore[misc]
                    if ends is None or done is None:
                        moved.clear()
                        continue
                    if role == "score":
                        self.lags.append(sum(ends.values()) - sum(done.values()))
                    now = time.monotonic()
                    for partition, end in ends.items():
                        offset, since = moved.get((role, partition), (-1, now))
                        if done.get(partition, 0) != offset or offset >= end:
                            moved[role, partition] = done.get(partition, 0), now
                        else:
                            self.longest_idle_s = max(self.longest_idle_s, now - since)
        finally:
            probe.close()


def _tried(ask: Callable[[], Any]) -> Any:
    """The answer; None while a server is away."""
    try:
        return ask()
    except (
        KafkaException,
        KeyError,
        TimeoutError,
        NeverHappened,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        OSError,
    ):
        return None
