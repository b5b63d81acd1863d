"""Connections to each server cut, delayed, and kept open without an answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from relearn.scripts.dev.bench.faults.fault import Fault
from relearn.scripts.dev.bench.faults.scene import Scene

_DELAY_S = 0.2


def cut(server: str, scene: Scene) -> None:
    """All connections are reset, again and again, and for a while new ones are, too."""
    proxy = scene.machine.proxy(server)
    for number in range(scene.scale.cuts):
        scene.stores(200)
        refuse = number == scene.scale.cuts - 1
        scene.machine.call(proxy.cut(refuse=refuse))
        if refuse:
            time.sleep(scene.scale.silent_s / 2)
            scene.machine.call(proxy.mend())
    _measure(scene, f"goes on after connections to {server} were cut")


def delay(server: str, scene: Scene) -> None:
    """Each read of each direction arrives 200 ms late."""
    proxy = scene.machine.proxy(server)
    proxy.delay_s = _DELAY_S
    time.sleep(scene.scale.silent_s)
    scene.machine.call(proxy.mend())
    _measure(scene, f"goes on after connections to {server} were delayed by {_DELAY_S:g} s")


def half_open(server: str, scene: Scene) -> None:
    """The open connections get no answer any more, and are not closed; new ones work. Later all are silent, too."""
    proxy = scene.machine.proxy(server)
    for new in (False, True):
        scene.stores(200)
        scene.machine.call(proxy.silence(new=new))
        time.sleep(scene.scale.silent_s)
        if not new:  # the peer is gone: these connections never work again
            _measure(scene, f"goes on while old connections to {server} are half-open")
            scene.machine.call(proxy.cut())
        scene.machine.call(proxy.mend())
        _measure(scene, f"goes on after {'all' if new else 'old'} connections to {server} were half-open")


def _measure(scene: Scene, what: str) -> None:
    scene.measure(what, max(scene.goes_on("score"), scene.goes_on("store")), "s")


_VERBS: dict[str, tuple[Callable[[str, Scene], None], str]] = {
    "cut": (cut, "connections to {} cut: 0 lost, nothing hangs after it"),
    "delay": (delay, "connections to {} delayed: 0 lost, nothing hangs after it"),
    "half-open": (half_open, "connections to {} half-open: 0 lost, nothing hangs after it"),
}
FAULTS = tuple(
    Fault(f"{server}-{verb}", row.format(server), partial(inflict, server), proxied=True)
    for verb, (inflict, row) in _VERBS.items()
    for server in ("kafka", "postgres", "valkey")
)
