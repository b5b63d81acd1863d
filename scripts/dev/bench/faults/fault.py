"""A fault: its name, what it needs, how it is inflicted, and the bars that its measurements must meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relearn.scripts.dev.bench.faults.scene import Scene


@dataclass(frozen=True, slots=True)
class Scale:
    """How long and how often. Times in seconds, `rate` in records per second."""

    records: int
    rate: float
    kills: int
    rolls: int
    guests: int
    session_timeouts: float
    broker_kills: int
    broker_away_s: float
    postgres_away_s: float
    redis_away_s: float
    deadlocks: int
    cuts: int
    silent_s: float
    hostile_records: int
    large_rounds: int
    soak_s: float
    soak_rate: float


SCALES = {
    "small": Scale(
        records=6_000, rate=2_000, kills=2, rolls=1, guests=1, session_timeouts=1.25, broker_kills=1, broker_away_s=3,
        postgres_away_s=5, redis_away_s=3, deadlocks=3, cuts=2, silent_s=6, hostile_records=6_000, large_rounds=1,
        soak_s=20, soak_rate=1_000,
    ),
    "medium": Scale(
        records=25_000, rate=3_000, kills=8, rolls=4, guests=6, session_timeouts=2, broker_kills=2, broker_away_s=20,
        postgres_away_s=20, redis_away_s=15, deadlocks=10, cuts=3, silent_s=15, hostile_records=30_000, large_rounds=1,
        soak_s=600, soak_rate=2_000,
    ),
    "full": Scale(
        records=50_000, rate=4_000, kills=20, rolls=10, guests=20, session_timeouts=2, broker_kills=5, broker_away_s=70,
        postgres_away_s=60, redis_away_s=60, deadlocks=30, cuts=5, silent_s=30, hostile_records=100_000,
        large_rounds=2, soak_s=3_600, soak_rate=5_000,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measure:
    """One measured value. `bar`: the largest value that passes; None: information."""

    name: str
    value: float
    unit: str = ""
    bar: float | None = None

    @property
    def passed(self) -> bool:
        return self.bar is None or self.value <= self.bar


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of the catalogue.

    `inflict` begins and ends the fault while the stream of the scene runs, and notes measurements. `row`: the bar, in
    words. `roles`: workers by role. `proxied`: workers reach the servers through proxies. `learns`: retrain trains the
    first champion. `mixes`: hostile messages travel among the records. `alone`: it leaves a scene that no other fault
    can continue in.
    """

    name: str
    row: str
    inflict: Callable[[Scene], None]
    roles: Mapping[str, int] = field(default_factory=lambda: {"score": 2, "store": 1})
    proxied: bool = False
    learns: bool = False
    mixes: bool = False
    alone: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    unless: Callable[[], str | None] = lambda: None
    """Why this machine can't run it; None where it can."""
