"""Assumed examples: unreviewed predictions that join a training set with the champion's own label."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from relearn.agents.learning.reviews import Statement, by_hash
from relearn.agents.learning.training_set import Example

#: Maximum number of assumed examples per reviewed one.
ASSUMED_PER_REVIEW = 5


def some_join(found: Sequence[Statement], weight: float) -> bool:
    """While corrections outnumber confirmations; otherwise the reviews alone show enough of what is right."""
    return weight > 0 and 2 * sum(one.corrects for one in found) > len(found)


def choose_assumed(candidates: Iterable[Example], taken: set[str], reviewed: int, weight: float) -> list[Example]:
    """The candidates that join `reviewed` reviews, with the weight of their loss.

    One per key, none whose key is taken, chosen by hash, not by answer or age.
    """
    order = sorted(candidates, key=lambda one: by_hash(str(one.id)))
    chosen: dict[str, Example] = {}
    for one in order:
        if len(chosen) >= ASSUMED_PER_REVIEW * reviewed:
            break
        if one.key not in taken and one.key not in chosen:
            chosen[one.key] = one._replace(weight=weight)
    return list(chosen.values())
