"""Hostile messages among the records, in every topic that producers and people write to."""

from __future__ import annotations

from relearn.scripts.dev.bench.faults import hostile
from relearn.scripts.dev.bench.faults.fault import Fault
from relearn.scripts.dev.bench.faults.probe import until
from relearn.scripts.dev.bench.faults.scene import Scene

_PAUSE_BAR_S = 1.0
_MEMORY_BAR = 1.5


def mix(scene: Scene) -> None:
    """The stream itself is mixed; here it is measured, until all of it is sent."""
    scene.stores(1_000)
    before = {name: worker.memory_bytes for name, worker in scene.workers.items()}
    ends = scene.unexpected_ends()
    with scene.pauses("the longest pause of storing", _PAUSE_BAR_S):
        scene.traffic.once([*hostile.COMMANDS.values()])
        wanted = scene.scale.hostile_records
        until(lambda: scene.traffic.sent >= wanted or not scene.traffic.is_alive(), "the traffic stands still", 3600)
    scene.drained()
    for name, first in before.items():
        peak = max(scene.watch.memory.get(name, [0]))
        scene.measure(f"peak memory of {name}, times that at the start", peak / max(first, 1), "times", _MEMORY_BAR)
    scene.measure("restarts", scene.unexpected_ends() - ends, bar=0)


FAULTS = (
    Fault(
        "hostile",
        "hostile messages at 1 in 100: good ones complete, refusals exact to the record, no restart, no pause > 1 s,"
        " memory ≤ 1.5 times",
        mix,
        roles={"score": 2, "store": 1, "feedback": 1, "retrain": 1},
        learns=True,
        mixes=True,
        alone=True,
    ),
)
