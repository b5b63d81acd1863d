"""A champion's audited records: evidence between it and the model before it, and what can change it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from relearn.agents.learning.gate import Comparison
from relearn.agents.learning.predict import score
from relearn.agents.learning.reviews import UNBIASED, Statement, reviews
from relearn.schemas.model.linear_svm import Model

#: So many times as many keys as may count are read first: answers change, and what a model was trained on is left out.
READ_FIRST = 2


@dataclass(frozen=True, slots=True)
class Counted:
    """The reviews that count, so far. `keys`: what a statement must be about to change one of them.

    `until`: once there are as many as may count, what is sent later of other keys makes no difference; None: not yet.
    """

    rows: Sequence[Statement]
    keys: frozenset[str]
    until: tuple[float, int, int] | None

    def is_news(self, one: Statement) -> bool:
        """Whether a statement that came later may change `rows`; where False, it and all like it together don't."""
        if one.key in self.keys:
            return True
        return one.via in UNBIASED and (self.until is None or one.sent <= self.until)


def audited(found: Iterable[Statement], trained_on: Collection[str]) -> list[Statement]:
    """The review of each audited record that no model was `trained_on` (keys), one per key, in Kafka's order."""
    rows = [one for one in reviews(found) if one.via in UNBIASED and one.key not in trained_on]
    return sorted({one.key: one for one in rows}.values(), key=lambda one: one.sent)


def count(found: Sequence[Statement], trained_on: Collection[str], *, limit: int) -> Counted:
    """The first `limit` of the audited reviews, of all that was said of one model, in the order of commits."""
    rows = audited(found, trained_on)[:limit]
    until = rows[-1].sent if len(rows) == limit else None
    keys = {one.key for one in found if one.via in UNBIASED and (until is None or one.sent <= until)}
    return Counted(rows, frozenset(keys.difference(trained_on)), until)


def is_enough(found: Iterable[Statement], keys: int, counted: Counted) -> bool:
    """Whether all that was said of the first `keys` keys to be audited makes the same count as all that was said."""
    first_s: dict[str, float] = {}
    for one in found:
        if one.via in UNBIASED:
            first_s[one.key] = min(one.sent[0], first_s.get(one.key, one.sent[0]))
    return len(first_s) < keys or (counted.until is not None and counted.until[0] < max(first_s.values()))


def compared(rows: Sequence[Statement], former: Model) -> list[Comparison]:
    """Former champion and champion on each of these reviews, which have features."""
    if not rows:
        return []
    labels = score(former, np.array([one.features for one in rows], dtype=np.float64)).labels
    answers = [former.classes[i] for i in labels]
    return [
        Comparison(answer == one.label, one.predicted == one.label) for one, answer in zip(rows, answers, strict=True)
    ]
