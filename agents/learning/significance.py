"""Statistics on counts of two models' answers to the same records: sign test and sequential evidence.

fixed: records where the champion is wrong and the challenger right. broken: the reverse.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from math import log
from typing import Any, NamedTuple

#: Up to this many records that differ, tails are summed in integers; more would block the process for too long.
_SUMMED = 20_000


class Tally(NamedTuple):
    """Counts over `rows` records whose truth is known."""

    fixed: int
    broken: int
    rows: int


def tally(truth: Sequence[str], champion: Sequence[str], challenger: Sequence[str]) -> Tally:
    """Count how the two answer the same records, one label each.

    Raises:
        ValueError: the three differ in length.
    """
    rows = list(zip(truth, champion, challenger, strict=True))
    fixed = sum(right == new != old for right, old, new in rows)
    broken = sum(right == old != new for right, old, new in rows)
    return Tally(fixed, broken, len(rows))


def sign_test(fixed: int, broken: int) -> float:
    """P(X ≥ fixed) for X ~ Bin(fixed + broken, 1/2), in (0, 1]: the exact one-sided test, McNemar's.

    Correctly rounded up to 20,000 records that differ; beyond, with a relative error of about 1e-13. Never 0.
    """
    n = fixed + broken
    if fixed <= 0:
        return 1.0
    if n > _SUMMED:
        # Imported when needed: scipy.special takes as long to import as a worker's own modules.
        from scipy.special import betainc  # type: ignore[import-untyped] # noqa: PLC0415

        p = float(betainc(fixed, broken + 1, 0.5))
    elif fixed <= broken:
        p = (2**n - _sum_of_binomials(n, fixed)) / 2**n
    else:
        p = _sum_of_binomials(n, broken + 1) / 2**n
    return min(1.0, max(p, sys.float_info.min))


def _sum_of_binomials(n: int, terms: int) -> int:
    """Σ C(n, k) over k = 0 … terms - 1."""
    total, binomial = 0, 1
    for k in range(terms):
        total += binomial
        binomial = binomial * (n - k) // (k + 1)
    return total


def log_evidence(fixed: int, broken: int) -> float:
    """L = fixed·ln 1.5 + broken·ln 0.5. Between equal models e^L is 1 on average, and so a martingale."""
    return fixed * log(1.5) + broken * log(0.5)


def tally_fields(tally: Tally) -> dict[str, Any]:
    """The counts, the sign test's p and the log evidence, JSON-able."""
    p, so_far = sign_test(tally.fixed, tally.broken), log_evidence(tally.fixed, tally.broken)
    return {"fixed": tally.fixed, "broken": tally.broken, "rows": tally.rows, "p": p, "log_evidence": so_far}


def tally_text(tally: Tally) -> str:
    """The counts and the sign test's p, as a clause about the challenger."""
    p = sign_test(tally.fixed, tally.broken)
    return f"it fixes {tally.fixed} and breaks {tally.broken} of {tally.rows} records (p = {p:.2g})"
