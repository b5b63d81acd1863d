"""Clocks of workers, broker and Postgres set apart by 40 days: those of servers by libfaketime."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from relearn.scripts.dev.bench.faults.catalogue.moved_clock import MovedClock
from relearn.scripts.dev.bench.faults.fault import Fault
from relearn.scripts.dev.bench.faults.scene import Scene
from relearn.scripts.dev.bench.faults.servers import Server

DAYS = 40
DAYS_S = DAYS * 86_400.0
#: Where Debian's package has it; the variable names another place.
_PLACES = "*/faketime/libfaketime.so.1"
_VARIABLE = "LIBFAKETIME"
_TRAININGS = "SELECT count(*) FROM jobs WHERE command = 'train'"
_DAYS_STORED = "SELECT count(DISTINCT ingested_at::date) FROM predictions"
#: By the clocks of the score workers, which were 40 days ahead and back.
_DAYS_SCORED = "SELECT (max(scored_at)::date - min(scored_at)::date) FROM predictions"
_TRAININGS_BAR = 3


def library() -> str | None:
    """The path of libfaketime; None where it isn't installed."""
    return os.environ.get(_VARIABLE) or next((str(path) for path in Path("/usr/lib").glob(_PLACES)), None)


def faked(offset: str) -> dict[str, str]:
    """The environment of a server whose clock differs by `offset`.

    Without the library's change to waits by the monotonic clock, with which Kafka hangs at its start.
    """
    found = library()
    assert found is not None
    return {
        "LD_PRELOAD": found,
        "FAKETIME": offset,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",
    }


def workers(scene: Scene) -> None:
    """The clock of one role after another is 40 days ahead, then back, at its start; then it steps while it runs."""
    clock = MovedClock(scene.settings.data_dir / "clock")
    for role in ("store", "score", "feedback", "retrain"):
        for moved_s in (DAYS_S, -DAYS_S):
            clock.move(moved_s)
            _restart(scene, role, clock.environment)
            scene.stores(500)
    clock.move(0)
    for role in ("store", "score"):
        _restart(scene, role, clock.environment)
        for moved_s in (DAYS_S, 0, -DAYS_S, 0):
            clock.move(moved_s)
            scene.stores(500)
        _restart(scene, role)
    scene.measure("trainings", float(scene.probe.value(_TRAININGS)), bar=_TRAININGS_BAR)
    scene.measure("days in predictions", float(scene.probe.value(_DAYS_STORED)))
    scene.measure("days from the first to the last time of scoring", float(scene.probe.value(_DAYS_SCORED)))


def postgres(scene: Scene) -> None:
    """Postgres restarts with a clock 40 days ahead, then back."""
    for offset in (f"+{DAYS}d", f"-{DAYS}d"):
        scene.stores(500)
        with _restarted(scene.machine.postgres, faked(offset)):
            scene.stores(500)
            _restart(scene, "store")
            scene.stores(500)
    scene.measure("trainings", float(scene.probe.value(_TRAININGS)), bar=_TRAININGS_BAR)


def broker(scene: Scene) -> None:
    """The broker restarts with a clock 40 days back, which steps forward again. Old rows must stay."""
    scene.stores(500)
    before = scene.probe.stored()
    with _broker_restarted(scene, faked(f"-{DAYS}d")):
        time.sleep(3)
        _restart(scene, "store")
    scene.stores(500)
    scene.measure("rows that were there before and are gone", float(before - _still(scene, before)), bar=0)


def broker_ahead(scene: Scene) -> None:
    """The broker restarts with a clock 40 days ahead, which steps back again. Rows of today must stay."""
    scene.stores(500)
    with _broker_restarted(scene, faked(f"+{DAYS}d")):
        scene.stores(500)
        _restart(scene, "store")
        scene.stores(500)
    scene.stores(500)
    _restart(scene, "store")
    scene.stores(500)


def _still(scene: Scene, before: int) -> int:
    return min(before, int(scene.probe.value("SELECT count(*) FROM predictions")))


def _restart(scene: Scene, role: str, extra: Mapping[str, str] = MappingProxyType({})) -> None:
    """Restart the workers of a role, with these environment variables beside their own."""
    for worker in scene.of_role(role):
        worker.terminate()
        worker.extra = extra
        worker.start()
        worker.wait_ready()


@contextmanager
def _restarted(server: Server, extra: dict[str, str]) -> Iterator[None]:
    """The server with other environment variables while the block runs."""
    server.stop()
    try:
        server.start(extra)
        yield
    finally:
        server.stop()
        server.start({})


@contextmanager
def _broker_restarted(scene: Scene, extra: dict[str, str]) -> Iterator[None]:
    """As `_restarted`, of the broker, with nothing in flight while its clock moves.

    By its clock it forgets producers after a day: a message of before that is sent again would be appended twice.
    """
    scene.traffic.hold()
    with _restarted(scene.machine.kafka, extra):
        scene.traffic.go_on()
        yield
        scene.traffic.hold()
    scene.traffic.go_on()


def _no_library() -> str | None:
    return None if library() else f"libfaketime isn't installed ({_VARIABLE} may name it)"


_ALL = {"score": 1, "store": 1, "feedback": 1, "retrain": 1}
_ROW = "clocks ± 40 days: nothing dropped that is younger than retention, no storm of trainings"
FAULTS = (
    Fault("clock-workers", f"{_ROW} (workers)", workers, roles=_ALL, learns=True, alone=True),
    Fault("clock-postgres", f"{_ROW} (Postgres)", postgres, roles=_ALL, learns=True, alone=True, unless=_no_library),
    Fault("clock-broker-back", f"{_ROW} (broker, back)", broker, alone=True, unless=_no_library),
    Fault("clock-broker-ahead", f"{_ROW} (broker, ahead)", broker_ahead, alone=True, unless=_no_library),
)
