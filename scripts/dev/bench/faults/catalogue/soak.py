"""Hours of half the load: memory, descriptors and lag must not grow."""

from __future__ import annotations

import time

import numpy as np

from relearn.scripts.dev.bench.faults.fault import Fault
from relearn.scripts.dev.bench.faults.scene import Scene

#: Growth from the second quarter to the last: the first one fills caches.
_GROWTH_BAR = 1.1
#: A worker has about twenty descriptors; pools open a connection more where servers are slow.
_DESCRIPTORS_BAR = 5


def soak(scene: Scene) -> None:
    """Nothing else happens."""
    scene.traffic.rate = scene.scale.soak_rate
    scene.traffic.hold()
    scene.traffic.go_on()
    time.sleep(scene.scale.soak_s)
    scene.measure("duration", scene.scale.soak_s, "s")
    scene.measure("rate", scene.scale.soak_rate, "records/s")
    for name in sorted(scene.watch.memory):
        before, last = _quarters(scene.watch.memory[name])
        scene.measure(f"memory of {name}, last ÷ second quarter", last / max(1.0, before), "times", _GROWTH_BAR)
        before, last = _quarters(scene.watch.descriptors[name])
        scene.measure(f"descriptors of {name}, last quarter", last)
        scene.measure(f"descriptors of {name}, last minus second quarter", last - before, bar=_DESCRIPTORS_BAR)
    lags = scene.watch.lags
    half = len(lags) // 2
    scene.measure("lag of score, median of the first half", float(np.median(lags[:half] or [0])), "messages")
    scene.measure("lag of score, median of the second half", float(np.median(lags[half:] or [0])), "messages")
    scene.measure("restarts", scene.unexpected_ends(), bar=0)


def _quarters(samples: list[int]) -> tuple[float, float]:
    """Medians of the second and of the last quarter."""
    quarter = max(1, len(samples) // 4)
    return float(np.median(samples[quarter : 2 * quarter] or samples)), float(np.median(samples[-quarter:]))


FAULTS = (Fault("soak", "soak at a steady load: memory, descriptors and lag flat", soak, alone=True),)
