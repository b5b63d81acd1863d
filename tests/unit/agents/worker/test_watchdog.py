"""The watchdog ends only a process with work, no server to wait for and no progress, or with a blocked loop."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from relearn.agents.worker.state import WorkerState
from relearn.agents.worker.watchdog import LOOK_EVERY_S, STUCK_TIMEOUT_S, Progress, Pulse, _Away, connected
from tests.support.waiting import eventually

LOOKS = int(STUCK_TIMEOUT_S / LOOK_EVERY_S)
#: A process with a short watchdog timeout; an argument chooses what its loop does.
_WATCHED = """
import asyncio, os, signal, sys, threading
import structlog
from relearn.agents.worker import shutdown, watchdog
from relearn.agents.worker.state import WorkerState
from relearn.agents.worker.logging import set_up_logging

watchdog.LOOK_EVERY_S, watchdog.STUCK_TIMEOUT_S, shutdown.GRACE_S = 0.02, 0.5, 0.1

looks = threading.Semaphore(0)

class Told(watchdog.Pulse):
    def silent(self):
        found = super().silent()
        looks.release()
        return found

watchdog.Pulse = Told

class App:
    should_stop = False

    def task(self, work):
        self.work = work

def waits_for_ever():
    threading.Event().wait()

def never_ends():
    while True:
        pass

def logs_to_nobody():
    structlog.get_logger().info("much", text="x" * 2**20)

def is_suspended():
    looks.acquire()
    os.kill(os.getpid(), signal.SIGSTOP)
    while looks.acquire(blocking=False):
        pass
    looks.acquire()
    looks.acquire()

async def main(work):
    app = App()
    watchdog.attach_watchdog(app, WorkerState("score-1", "score"))
    watching = asyncio.create_task(app.work())
    await asyncio.sleep(0)
    print("watched", flush=True)
    globals()[work]()
    app.should_stop = True
    await watching

set_up_logging("info", worker="score-1")
asyncio.run(main(sys.argv[1]))
"""


def test_lag_without_progress_is_stuck_after_a_while() -> None:
    progress = Progress()
    looks = [progress.stuck(condition="ready", lag=5, steps=0) for _ in range(LOOKS + 2)]
    assert looks == [False] * (LOOKS + 1) + [True]


def test_no_lag_is_idleness() -> None:
    progress = Progress()
    for lag in (0, None):
        assert not any(progress.stuck(condition="ready", lag=lag, steps=0) for _ in range(2 * LOOKS))


def test_who_says_what_it_waits_for_is_left_alone() -> None:
    progress = Progress()
    assert not any(progress.stuck(condition="waiting for Postgres", lag=5, steps=0) for _ in range(2 * LOOKS))
    assert not progress.stuck(condition="ready", lag=5, steps=0)


def test_records_processed_are_progress_even_while_the_lag_grows() -> None:
    progress = Progress()
    assert not any(progress.stuck(condition="ready", lag=5 * look, steps=look) for look in range(2 * LOOKS))


def test_a_lag_that_shrinks_is_progress() -> None:
    progress = Progress()
    assert not any(progress.stuck(condition="ready", lag=100 - look, steps=0) for look in range(2 * LOOKS))


def test_a_consumer_without_a_connection_waits_for_kafka() -> None:
    """From the last connection's end to the next one's begin; before its start nothing is known."""
    links = {"bootstrap": SimpleNamespace(connected=lambda: False), 1: SimpleNamespace(connected=lambda: True)}
    consumer = SimpleNamespace(
        _thread=SimpleNamespace(_consumer=SimpleNamespace(_client=SimpleNamespace(_conns=links)))
    )
    app: Any = SimpleNamespace(consumer=consumer)
    state = WorkerState("store-1", "store", stage="ready")
    away = _Away(state)
    for connection, condition in ((1, "ready"), (None, "waiting for Kafka"), (None, "waiting for Kafka"), (1, "ready")):
        links[1] = SimpleNamespace(connected=lambda connection=connection: connection is not None)
        away.show(not connected(app))
        assert state.condition == condition
    assert connected(SimpleNamespace())  # type: ignore[arg-type]


def test_a_loop_that_beats_now_and_then_is_alive() -> None:
    """A long computation holds it up; that is no reason to lose it."""
    pulse = Pulse()
    for _ in range(5):
        pulse.beat()
        assert not any(pulse.silent() for _ in range(LOOKS + 1))


def test_a_loop_that_never_beats_again_is_dead_after_a_while() -> None:
    pulse = Pulse()
    pulse.beat()
    looks = [pulse.silent() for _ in range(LOOKS + 2)]
    assert looks == [False] * (LOOKS + 1) + [True]


@pytest.mark.parametrize("work", ["waits_for_ever", "never_ends"])
def test_a_process_whose_loop_stands_still_ends_and_says_where(work: str) -> None:
    with _watched(work) as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "event=frozen seconds=0.5 worker=score-1" in said
    assert f"in {work}" in said


def test_a_process_whose_stderr_nobody_reads_ends_all_the_same() -> None:
    """It can't log: a write there blocks without limit."""
    with _watched("logs_to_nobody") as process:
        assert process.wait(60) == 1


def test_a_process_that_was_suspended_goes_on() -> None:
    """The watchdog looks before the loop can beat, after longer than a frozen process was given."""
    with _watched("is_suspended") as suspended:
        eventually(lambda: psutil.Process(suspended.pid).status() == psutil.STATUS_STOPPED, "it was never suspended")
        with _watched("waits_for_ever") as frozen:
            assert frozen.wait(60) == 1
        suspended.send_signal(signal.SIGCONT)
        _, said = suspended.communicate(timeout=60)
    assert (suspended.returncode, said) == (0, "")


@contextmanager
def _watched(work: str) -> Iterator[subprocess.Popen[str]]:
    """A process with a watchdog, once that watches."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", _WATCHED, work], stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "watched\n"
            yield process
        finally:
            process.kill()
