"""Whether one model is better than another: before it goes live, as a shadow, and after. Exact tests on counts.

fixed: records where the champion is wrong and the challenger right. broken: the reverse.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from math import exp, log
from typing import Any, Literal, NamedTuple

from scipy.special import betainc  # type: ignore[import-untyped]

#: The log evidence at which a shadow is promoted, and the one at which it is rejected.
SHADOW_PROMOTES = 2.77
SHADOW_REJECTS = -1.56
#: Up to so many records that differ, tails are summed in whole numbers; beyond, that would hold up its process.
_SUMMED = 20_000


class Tally(NamedTuple):
    """Counts over `rows` records whose truth is known."""

    fixed: int
    broken: int
    rows: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a challenger. `path`: which part of the gate decided. `facts`: the numbers, JSON-able."""

    outcome: Literal["promoted", "rejected", "shadow"]
    path: Literal["evidence", "silence", "shadow", "vanished", "first"]
    why: str
    facts: dict[str, Any]


class Comparison(NamedTuple):
    """One reviewed record, answered by the champion, and again by the one before it."""

    former_right: bool
    champion_right: bool


@dataclass(frozen=True, slots=True)
class RollbackVerdict:
    """The evidence that the former champion is better, after `rows` records; `at_row` counts from 1.

    `log_e` is the natural logarithm of `e`, which is cut off where a float ends.
    """

    rolls_back: bool
    fixed: int
    broken: int
    rows: int
    log_e: float
    e: float
    at_row: int | None


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

    Correctly rounded up to 20,000 records that differ, beyond that to about 1e-13 of itself; never 0.
    """
    n = fixed + broken
    if fixed <= 0:
        return 1.0
    if n > _SUMMED:
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


def gate(evidence: Tally, silence: Tally | None, *, vanished: Sequence[str], alpha: float) -> Verdict:
    """Promoted, rejected, or to be watched as a shadow.

    Args:
        evidence: on the reviewed records since the champion's cut whose reviewer didn't choose them.
        silence: on all of the champion's records since, an unreviewed one counting as "champion right"; None: too many.
        vanished: classes that the champion answers and the challenger doesn't know.
        alpha: the level of both sign tests, below 0.5.
    """
    facts = {"alpha": alpha, "vanished": list(vanished), "evidence": _counts(evidence), "silence": None}
    if silence is not None:
        facts["silence"] = _counts(silence)
    if vanished:
        classes = ", ".join(map(repr, vanished))
        return Verdict("rejected", "vanished", f"it doesn't know {classes}, which the champion answers", facts)
    if sign_test(evidence.fixed, evidence.broken) <= alpha:
        return Verdict("promoted", "evidence", f"on the evidence {_told(evidence)}", facts)
    # Volunteers choose what they correct: they can't outweigh evidence that the champion is the better one.
    worse = sign_test(evidence.broken, evidence.fixed) <= alpha
    if silence is not None and not worse and sign_test(silence.fixed, silence.broken) <= alpha:
        return Verdict("promoted", "silence", f"on all records, silence counting against it, {_told(silence)}", facts)
    return Verdict("shadow", "shadow", f"not yet known to be better: on the evidence {_told(evidence)}", facts)


def first(accuracy: float, majority: float, majority_class: str) -> Verdict:
    """Whether the first model of all may go live: out of fold it must beat the one answer that is right most often."""
    facts = {"accuracy": accuracy, "majority": majority, "majority_class": majority_class}
    why = (
        f"out of fold it is right in {accuracy:.1%}; answering {majority_class!r} every time is right in {majority:.1%}"
    )
    return Verdict("promoted" if accuracy > majority else "rejected", "first", why, facts)


def shadow_verdict(tally: Tally, *, elapsed_s: float, labels_limit: int, time_limit_s: float) -> Verdict | None:
    """What becomes of a shadow after `elapsed_s` and the labels so far; None: not yet known.

    Looked at after every label, an equal one is promoted in at most one of 16 (Ville's inequality: e^2.77 = 16).
    """
    so_far = log_evidence(tally.fixed, tally.broken)
    limits = {"labels_limit": labels_limit, "elapsed_s": elapsed_s, "time_limit_s": time_limit_s}
    facts = {"shadow": _counts(tally), **limits}
    told = f"as a shadow {_told(tally)}"
    if so_far >= SHADOW_PROMOTES:
        return Verdict("promoted", "shadow", told, facts)
    if so_far <= SHADOW_REJECTS:
        return Verdict("rejected", "shadow", told, facts)
    if tally.rows >= labels_limit:
        return Verdict("rejected", "shadow", f"not known to be better after {tally.rows} labels: {told}", facts)
    if elapsed_s >= time_limit_s:
        return Verdict("rejected", "shadow", f"not known to be better after {elapsed_s:.0f} s: {told}", facts)
    return None


def rollback_evidence(rows: Sequence[Comparison], *, threshold: float, limit: int) -> RollbackVerdict:
    """Whether the former champion is better, on the audit and batch `rows` in their order, at most `limit` of them.

    Rolls back at the first row where e = 1.5^broken · 0.5^fixed reaches the threshold. Between equal models that
    happens in at most 1/threshold of all cases, however often one looks (Ville's inequality).
    """
    fixed = broken = seen = 0
    needed = log(threshold)
    for row in islice(rows, limit):
        seen += 1
        fixed += row.champion_right and not row.former_right
        broken += row.former_right and not row.champion_right
        if log_evidence(broken, fixed) >= needed:
            return _rollback_verdict(fixed, broken, seen, at_row=seen)
    return _rollback_verdict(fixed, broken, seen, at_row=None)


def _rollback_verdict(fixed: int, broken: int, rows: int, at_row: int | None) -> RollbackVerdict:
    log_e = log_evidence(broken, fixed)
    e = exp(min(log_e, log(sys.float_info.max)))
    return RollbackVerdict(at_row is not None, fixed, broken, rows, log_e, e, at_row)


def _counts(tally: Tally) -> dict[str, Any]:
    p, so_far = sign_test(tally.fixed, tally.broken), log_evidence(tally.fixed, tally.broken)
    return {"fixed": tally.fixed, "broken": tally.broken, "rows": tally.rows, "p": p, "log_evidence": so_far}


def _told(tally: Tally) -> str:
    p = sign_test(tally.fixed, tally.broken)
    return f"it fixes {tally.fixed} and breaks {tally.broken} of {tally.rows} records (p = {p:.2g})"
