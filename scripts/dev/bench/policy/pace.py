"""How fast a simulated run goes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast records come (the labels are a share of them, by kind of feedback), and how long a training takes."""

    records_per_s: float = 10.0
    training_s: float = 4.0


DEFAULT_PACE = Pace()
