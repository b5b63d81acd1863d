"""Which faults run, in which order, each in a scene of its own or several in one; the outcome of each."""

from __future__ import annotations

import os
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import numpy as np
from confluent_kafka import KafkaException

from relearn.schemas.errors import RelearnError
from relearn.scripts.dev.bench.faults.catalogue import (
    on_clocks,
    on_connections,
    on_messages,
    on_servers,
    on_topics,
    on_workers,
    soak,
)
from relearn.scripts.dev.bench.faults.checker import Findings
from relearn.scripts.dev.bench.faults.fault import Fault, Measure, Scale
from relearn.scripts.dev.bench.faults.probe import NeverHappened
from relearn.scripts.dev.bench.faults.scene import Scene
from relearn.scripts.dev.bench.faults.servers import Machine
from relearn.scripts.dev.bench.faults.workers import Spawn

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for module in (on_workers, on_servers, on_connections, on_messages, on_topics, on_clocks, soak)
    for fault in module.FAULTS
}


@dataclass
class Outcome:
    """The result of the faults of one scene."""

    faults: tuple[str, ...]
    rows: tuple[str, ...]
    seed: int
    seconds: float = 0.0
    load: float = 0.0
    """Load average of the last minute at the end."""
    measures: list[Measure] = field(default_factory=list)
    findings: Findings | None = None
    error: str | None = None
    skipped: str | None = None
    restarts: int = 0

    @property
    def failures(self) -> list[str]:
        """Each bar that wasn't met; empty where all were."""
        missed = [f"{one.name}: {one.value:g} {one.unit} > {one.bar:g}" for one in self.measures if not one.passed]
        problems = self.findings.problems() if self.findings else {}
        broken = [f"{name}: {len(found)}: {found[0][:2000]}" for name, found in problems.items()]
        return [*missed, *broken, *([self.error] if self.error else [])]


def run_scene(
    machine: Machine, faults: Sequence[Fault], scale: Scale, *, seed: int, spawn: Spawn, directory: Path
) -> Outcome:
    """Inflict these faults one after another on one stream, and check the ledger at the end."""
    names = tuple(fault.name for fault in faults)
    outcome = Outcome(names, tuple(fault.row for fault in faults), seed)
    skipped = next((why for fault in faults if (why := fault.unless())), None)
    if skipped:
        outcome.skipped = skipped
        return outcome
    began = time.monotonic()
    scene = Scene(machine, faults, scale, seed=seed, directory=directory, spawn=spawn)
    try:
        scene.start()
        for fault in faults:
            fault.inflict(scene)
        outcome.findings = scene.finish()
    except (NeverHappened, RelearnError, KafkaException, asyncpg.PostgresError, OSError) as exc:
        outcome.error = f"{type(exc).__name__}: {str(exc)[:4000]} ({_place(exc)})"
    finally:
        _bring_back(machine)
        outcome.measures, outcome.restarts = scene.measures, scene.unexpected_ends()
        scene.close()
        outcome.seconds, outcome.load = round(time.monotonic() - began, 1), round(os.getloadavg()[0], 1)
    return outcome


def run_all(
    machine: Machine,
    faults: Sequence[Fault],
    scale: Scale,
    *,
    together: bool,
    seed: int,
    spawn: Spawn,
    on_outcome: Callable[[Outcome], None],
) -> list[Outcome]:
    """Faults in an order that the seed decides, each in a scene of its own.

    `together`: those that leave a scene usable, one after another on one stream.
    """
    usable = [fault for fault in faults if not (together and (fault.alone or fault.unless()))]
    order = [usable[i] for i in np.random.default_rng(seed).permutation(len(usable))]
    found = []
    for scene in [order] if together else [[fault] for fault in order]:
        with tempfile.TemporaryDirectory(prefix="relearn-faults-") as directory:
            outcome = run_scene(machine, scene, scale, seed=seed, spawn=spawn, directory=Path(directory))
        found.append(outcome)
        on_outcome(outcome)
    return found


def _place(exc: BaseException) -> str:
    """The innermost line of this package that an error passed."""
    ours = [frame for frame in traceback.extract_tb(exc.__traceback__) if "faults" in Path(frame.filename).parts]
    return " ← ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(ours[-3:]))


def _bring_back(machine: Machine) -> None:
    for server in (machine.kafka, machine.postgres, machine.valkey):
        server.start()
    machine.mend()
