"""Workers killed, stopped in order, joined by guests, suspended for longer than their session."""

from __future__ import annotations

import signal
import time

import numpy as np

from relearn.agents.worker.app import SESSION_TIMEOUT_S
from relearn.scripts.dev.bench.faults.fault import Fault
from relearn.scripts.dev.bench.faults.probe import until
from relearn.scripts.dev.bench.faults.scene import Scene
from relearn.scripts.dev.bench.faults.workers import Worker

_BACK_BAR_S = 3.0
_STOP_BAR_S = 5.0
_IDLE_BAR_S = 10.0
_ROWS = """
SELECT generation, kafka_partition, kafka_offset, record_index, xmin::text, label, model, activation FROM predictions
"""


def kill(scene: Scene) -> None:
    """kill -9 of a worker by chance, restarted at once; every second time the champion changes first."""
    back, ready = [], []
    for number in range(scene.scale.kills):
        scene.stores(200)
        if number % 2:
            scene.swap()
        worker = scene.any_of("score", "store")
        began = time.monotonic()
        worker.kill()
        worker.start()
        scene.goes_on(worker.role)
        back.append(time.monotonic() - began)
        worker.wait_ready()
        ready.append(time.monotonic() - began)
    scene.measure("kills", len(back))
    scene.measure("the worker that was killed is ready, median", float(np.median(ready)), "s")
    scene.measure("all partitions go on, median", float(np.median(back)), "s")
    scene.measure("all partitions go on, p95", float(np.quantile(back, 0.95)), "s", _BACK_BAR_S)


def roll(scene: Scene) -> None:
    """SIGTERM of each worker in turn, restarted when it has ended."""
    codes, took = [], []
    scene.watch.reset()
    for _ in range(scene.scale.rolls):
        for worker in [one for one in scene.workers.values() if one.role in {"score", "store"}]:
            code, seconds = worker.terminate()
            codes.append(code)
            took.append(seconds)
            worker.start()
            worker.wait_ready()
            scene.goes_on(worker.role)
    scene.measure("stops in order", len(codes))
    scene.measure("exit codes other than 0", sum(code != 0 for code in codes), bar=0)
    scene.measure("the longest stop", max(took), "s", _STOP_BAR_S)
    scene.measure("the longest time that a partition was idle", scene.watch.longest_idle_s, "s", _IDLE_BAR_S)


def join_and_leave(scene: Scene) -> None:
    """Guests without a fixed name: each joins its group, works, and leaves it, which is two rebalances."""
    codes, took = [], []
    scene.watch.reset()
    for number in range(scene.scale.guests):
        role = ("score", "store")[number % 2]
        guest = scene.add(role, f"guest-{number}", static=False)
        guest.wait_ready()
        scene.goes_on(role)
        code, seconds = guest.terminate()
        codes.append(code)
        took.append(seconds)
        del scene.workers[guest.name]
        scene.goes_on(role)
    scene.measure("guests", len(codes))
    scene.measure("exit codes of guests other than 0", sum(code != 0 for code in codes), bar=0)
    scene.measure("the longest stop of a guest", max(took), "s", _STOP_BAR_S)
    scene.measure("the longest time that a partition was idle, guests", scene.watch.longest_idle_s, "s", _IDLE_BAR_S)


def suspend(scene: Scene) -> None:
    """SIGSTOP of a score and of a store worker for longer than their session, then SIGCONT."""
    for role in ("score", "store"):
        worker = scene.any_of(role)
        worker.send(signal.SIGSTOP)
        try:
            time.sleep(scene.scale.session_timeouts * SESSION_TIMEOUT_S)
            before = _rows(scene)
        finally:
            worker.send(signal.SIGCONT)
        took = scene.goes_on(role)
        changed = len(before - _rows(scene))
        scene.measure(f"rows changed by the {role} worker that came back", changed, bar=0)
        scene.measure(f"{role} goes on after SIGCONT", took, "s")
        until(lambda worker=worker: worker.running, f"{worker.name} has ended", 30)  # type: ignore[misc]


def _rows(scene: Scene) -> set[tuple[object, ...]]:
    """Every row as the transaction that wrote it left it."""
    return {tuple(row) for row in scene.probe.rows(_ROWS)}


def twins(scene: Scene) -> None:
    """A second worker with the name of one that runs: one of the two ends itself, and the stream goes on."""
    for role in ("score", "store"):
        first = scene.any_of(role)
        twin = scene.workers[f"twin of {first.name}"] = Worker(scene.worker_settings, role, first.name, scene.spawn)
        first.wanted = twin.wanted = False
        both = (first, twin)
        took = until(lambda both=both: not all(one.running for one in both), "both run on", 120)  # type: ignore[misc]
        scene.measure(f"one of two {role} workers of one name ended", took, "s")
        scene.goes_on(role)
        twin.terminate()
        if not first.running:
            first.start()
        first.wanted = True
        scene.goes_on(role)
        text = first.log_path.read_text(errors="replace")
        scene.measure(f"{role}: commits that failed", text.count("OffsetCommit failed"))


FAULTS = (
    Fault("kill", "kill -9 of workers: 0 lost, 0 twice, back in ≤ 3 s (p95)", kill),
    Fault("roll", "SIGTERM roll: exit 0, ≤ 5 s each, 0 lost, no partition idle > 10 s", roll),
    Fault("join-leave", "workers joining and leaving: as above", join_and_leave),
    Fault("twins", "two workers of one name: one ends itself, 0 twice", twins, alone=True),
    Fault("suspend", "SIGSTOP for twice the session timeout, then SIGCONT: 0 twice, nothing overwritten", suspend),
)
