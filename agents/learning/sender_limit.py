"""Which statements a training learns from now, and which wait: no sender outweighs the others at once."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple

from relearn.agents.learning.reviews import (
    Statement,
    by_arrival,
    by_hash,
    disputed,
    latest_of_each,
    standing_statements,
)
from relearn.schemas.identity import Place

_BEFORE_ALL = (float("-inf"), 0, 0)


class Admitted(NamedTuple):
    """What a training learns from. `reviews`: those that count now; `waiting`: statements that wait for later jobs.

    Each in the order of arrival. `disputed`: the predictions to which two reviewers now give different labels.
    """

    reviews: list[Statement]
    waiting: list[Statement]
    disputed: list[Place]


def admitted_reviews(
    statements: Iterable[Statement], *, known: Container[int], limit: int, trusted: frozenset[str] = frozenset()
) -> Admitted:
    """The reviews that count now, and the statements that wait for later jobs.

    New statements of a sender count for at most `limit` keys, chosen by hash, so that no age is preferred. A sender in
    `trusted` (scopes) isn't limited, nor one beside whom no other has said anything that stands: no other opinion could
    be outweighed, as with a feed of outcomes. New is what is neither among the `known` ids, which a training
    knew before, nor older than a known label of its key, since training uses only the latest of a key.

    Where the latest statement about a prediction waits, the one before it is the review: a flood of labels for records
    that were reviewed before takes nothing from what a model has learned.
    """
    ordered = by_arrival(statements)
    standing = standing_statements(ordered)
    waiting = _waiting(ordered, known, limit, trusted)
    if not waiting:
        return Admitted(latest_of_each(standing), [], disputed(standing))
    held = {one.id for one in waiting}
    counted = latest_of_each(standing_statements(one for one in ordered if one.id not in held))
    return Admitted(counted, waiting, disputed(standing))


def _waiting(
    ordered: Sequence[Statement], known: Container[int], limit: int, trusted: frozenset[str]
) -> list[Statement]:
    if len({(one.principal, one.reviewer) for one in ordered}) <= 1:
        return []
    settled = standing_statements(one for one in ordered if _is_settled(one, known))
    learned = {one.key: one.sent for one in settled}
    new = [one for one in ordered if not _is_settled(one, known) and one.sent > learned.get(one.key, _BEFORE_ALL)]
    over = _over_limit(ordered, new, limit, trusted)
    return [one for one in new if one.key in over.get(one.scope, ())] if over else []


def _over_limit(
    ordered: Sequence[Statement], new: Sequence[Statement], limit: int, trusted: frozenset[str]
) -> dict[str, set[str]]:
    """By scope, the keys whose new statements wait. `ordered`: by arrival, `new` among them."""
    # By sender, too: another one may have given the same reviewer's name, and what it said may wait.
    current = {(one.place, one.reviewer, one.scope): one for one in ordered}
    stands = {one.id: one.scope for one in current.values() if one.label is not None}
    if len(set(stands.values())) <= 1:
        return {}
    keys: dict[str, set[str]] = {}
    for one in new:
        if one.id in stands and one.scope not in trusted:
            keys.setdefault(one.scope, set()).add(one.key)
    return {scope: set(_by_turn(scope, of)[limit:]) for scope, of in keys.items() if len(of) > limit}


def _by_turn(scope: str, keys: Iterable[str]) -> list[str]:
    """The sender's keys in an order of their hashes, another one for each sender."""
    return sorted(keys, key=lambda key: by_hash(f"{scope} {key}"))


def _is_settled(one: Statement, known: Container[int]) -> bool:
    """Whether no limit holds it: a model knows it, or it takes a label back."""
    return one.label is None or one.id in known
