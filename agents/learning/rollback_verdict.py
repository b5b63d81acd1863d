"""Whether the champion is rolled back: audited records, answered by it and by its predecessor."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from math import exp, log
from typing import NamedTuple

from relearn.agents.learning.predict import score
from relearn.agents.learning.reviews import UNBIASED, Statement, reviews
from relearn.agents.learning.significance import log_evidence
from relearn.agents.learning.usable_rows import scorable
from relearn.schemas.features import NO_STRINGS, StringOf
from relearn.schemas.model.linear_svm import Model

#: Of the limit on counted keys, the multiple that is read first: reviews change, and keys trained on don't count.
READ_FIRST = 2


class AnswerPair(NamedTuple):
    """One reviewed record: whether the former champion's answer is right, and whether the champion's is."""

    former_right: bool
    champion_right: bool


@dataclass(frozen=True, slots=True)
class RollbackVerdict:
    """The evidence that the former champion is better, after `rows` records; `at_row` counts from 1.

    `log_e` is the natural logarithm of `e`, which is capped at the largest float.
    """

    rolls_back: bool
    fixed: int
    broken: int
    rows: int
    log_e: float
    e: float
    at_row: int | None


@dataclass(frozen=True, slots=True)
class Counted:
    """The reviews that count so far. `keys`: only a statement about one of these keys can change a counted review.

    `until`: set once the limit is reached; a statement about any other key sent after it changes nothing.
    """

    rows: Sequence[Statement]
    keys: frozenset[str]
    until: tuple[float, int, int] | None

    def may_change(self, one: Statement) -> bool:
        """Whether a later statement may change `rows`. Statements for which this is False change nothing together."""
        if one.key in self.keys:
            return True
        return one.via in UNBIASED and (self.until is None or one.sent <= self.until)


def rollback_verdict(rows: Sequence[AnswerPair], *, threshold: float, limit: int) -> RollbackVerdict:
    """Whether the former champion is better, on the audit and batch `rows` in their order, at most `limit` of them.

    Rolls back at the first row where e = 1.5^broken · 0.5^fixed reaches the threshold. Between equal models that
    happens in at most 1/threshold of all cases, however often the rows are looked at (Ville's inequality).
    """
    fixed = broken = seen = 0
    needed = log(threshold)
    for row in islice(rows, limit):
        seen += 1
        fixed += row.champion_right and not row.former_right
        broken += row.former_right and not row.champion_right
        if log_evidence(broken, fixed) >= needed:
            return _verdict(fixed, broken, seen, at_row=seen)
    return _verdict(fixed, broken, seen, at_row=None)


def _verdict(fixed: int, broken: int, rows: int, at_row: int | None) -> RollbackVerdict:
    log_e = log_evidence(broken, fixed)
    e = exp(min(log_e, log(sys.float_info.max)))
    return RollbackVerdict(at_row is not None, fixed, broken, rows, log_e, e, at_row)


def audited(found: Iterable[Statement], trained_on: Collection[str]) -> list[Statement]:
    """The review of each audited record whose key is not in `trained_on`, one per key, in the order of arrival."""
    rows = [one for one in reviews(found) if one.via in UNBIASED and one.key not in trained_on]
    return sorted({one.key: one for one in rows}.values(), key=lambda one: one.sent)


def count_audited(found: Sequence[Statement], trained_on: Collection[str], *, limit: int) -> Counted:
    """The first `limit` audited reviews of one model. found: all statements about it, in the order of commits."""
    rows = audited(found, trained_on)[:limit]
    until = rows[-1].sent if len(rows) == limit else None
    keys = {one.key for one in found if one.via in UNBIASED and (until is None or one.sent <= until)}
    return Counted(rows, frozenset(keys.difference(trained_on)), until)


def is_enough(found: Iterable[Statement], keys: int, counted: Counted) -> bool:
    """Whether the statements about the first `keys` audited keys give the same count as all statements would."""
    first_s: dict[str, float] = {}
    for one in found:
        if one.via in UNBIASED:
            first_s[one.key] = min(one.sent[0], first_s.get(one.key, one.sent[0]))
    return len(first_s) < keys or (counted.until is not None and counted.until[0] < max(first_s.values()))


def compare_answers(rows: Sequence[Statement], former: Model, string_of: StringOf = NO_STRINGS) -> list[AnswerPair]:
    """Former champion and champion on each of these reviews, which have features; without those it can't score."""
    rows, features = scorable(rows, lambda one: one.features, len(former.feature_names), former.encoder)
    if not rows:
        return []
    labels = score(former, features, string_of).labels
    answers = [former.classes[i] for i in labels]
    return [
        AnswerPair(answer == one.label, one.predicted == one.label) for one, answer in zip(rows, answers, strict=True)
    ]
