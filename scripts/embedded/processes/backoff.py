"""How long to wait before a process that died is started again."""

from __future__ import annotations

import random

FIRST_S = 0.5
LONGEST_S = 30.0
STEADY_S = 60.0
"""A life this long was a good one: the next death counts as the first."""


def delay_s(deaths: int, rng: random.Random) -> float:
    """Doubling from `FIRST_S` to `LONGEST_S`; each between half and the whole of it, against marching in step.

    `deaths` counts those in a row, from 1.
    """
    whole = min(LONGEST_S, FIRST_S * 2.0 ** min(deaths - 1, 16))
    return whole * rng.uniform(0.5, 1.0)


def deaths_in_a_row(before: int, lived_s: float) -> int:
    """The count after a death, given the count before it and how long that life was."""
    return 1 if lived_s >= STEADY_S else before + 1
