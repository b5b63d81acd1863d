"""From statements to reviews: each reviewer's current label of a prediction, and the one that counts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from relearn.schemas.identity import Place
from relearn.schemas.messages.feedback import Via, scope_of

#: Reviews that are evidence between models, all but `volunteer`: the reviewer didn't choose the record.
EVIDENCE: frozenset[Via] = frozenset(("audit", "queue", "disagree", "batch"))
#: Reviews that estimate accuracy: the choice of their records doesn't depend on any model.
UNBIASED: frozenset[Via] = frozenset(("audit", "batch"))


class Statement(NamedTuple):
    """One row of `corrections`. `sent` orders statements: number of arrival, partition and offset of the message."""

    id: int
    place: Place
    key: str
    features: Sequence[float]
    label: str | None
    predicted: str
    model: int
    activation: int
    reviewer: str | None
    via: Via
    sent: tuple[float, int, int]
    stored_s: float
    #: The id of the API key that sent it; None: it was sent without one.
    principal: str | None = None

    @property
    def scope(self) -> str:
        """Its sender: an API key, or without one the reviewer's name. Two keys may have the name of one reviewer."""
        return scope_of(self.principal, self.reviewer)

    @property
    def corrects(self) -> bool:
        """Whether its label differs from the predicted label."""
        return self.label is not None and self.label != self.predicted


def standing_statements(statements: Iterable[Statement]) -> list[Statement]:
    """Each reviewer's latest statement about each prediction, without those taken back; in the order of arrival."""
    last: dict[tuple[Place, str | None], Statement] = {}
    for one in sorted(statements, key=lambda statement: statement.sent):
        last[one.place, one.reviewer] = one
    return sorted((one for one in last.values() if one.label is not None), key=lambda statement: statement.sent)


def reviews(statements: Iterable[Statement]) -> list[Statement]:
    """One review per prediction: the latest of its reviewers' current statements; in the order of arrival."""
    latest: dict[Place, Statement] = {one.place: one for one in standing_statements(statements)}
    return sorted(latest.values(), key=lambda statement: statement.sent)


def first_given(statements: Sequence[Statement], found: Sequence[Statement]) -> dict[int, float]:
    """Of each review in `found` that repeats the label before it: the arrival of the first equal statement."""
    if len(statements) == len(found):
        return {}
    runs: dict[Place, tuple[str, float]] = {}
    for one in sorted(statements, key=lambda statement: statement.sent):
        if one.label is not None and runs.get(one.place, ("",))[0] != one.label:
            runs[one.place] = one.label, one.sent[0]
    began = ((one, *runs[one.place]) for one in found)
    return {one.id: since for one, label, since in began if label == one.label and since < one.sent[0]}


def disputed(statements: Iterable[Statement]) -> list[Place]:
    """Predictions to which two reviewers now give different labels."""
    labels: dict[Place, set[str | None]] = {}
    for one in standing_statements(statements):
        labels.setdefault(one.place, set()).add(one.label)
    return sorted(place for place, given in labels.items() if len(given) > 1)


def limit_new_keys(
    found: Sequence[Statement], *, known: frozenset[int], limit: int, trusted: frozenset[str] = frozenset()
) -> list[Statement]:
    """`found` with the new reviews of at most `limit` keys per sender, chosen by hash, so that no age is preferred.

    The other reviews of a flood wait for later jobs. A sender in `trusted` (scopes) isn't limited, nor one beside whom
    no other has a review, new or known: no other opinion could be outweighed, as with a feed of outcomes. Reviews with
    `known` ids, from which a model was trained before, stay, and so do older ones of the same key, since training uses
    only the latest of a key.
    """
    ordered = sorted(found, key=lambda statement: statement.sent)
    learned = {one.key: one.sent for one in ordered if one.id in known}
    new: dict[str, set[str]] = {}
    for one in ordered:
        if _is_new(one, known, learned):
            new.setdefault(one.scope, set()).add(one.key)
    if len({one.scope for one in ordered}) > 1:
        new = {
            scope: keys if scope in trusted else set(sorted(keys, key=by_hash)[:limit]) for scope, keys in new.items()
        }
    return [one for one in ordered if not _is_new(one, known, learned) or one.key in new[one.scope]]


def admitted_reviews(
    statements: Iterable[Statement], *, known: frozenset[int], limit: int, trusted: frozenset[str] = frozenset()
) -> tuple[list[Statement], list[Statement]]:
    """The reviews that count now, and those that wait (see `limit_new_keys`), in the order of arrival.

    Where the latest statement about a prediction waits, the one before it is the review: a flood of labels for records
    that were reviewed before takes nothing from what a model has learned.
    """
    left, waiting = list(statements), list[Statement]()
    while True:
        found = reviews(left)
        counted = limit_new_keys(found, known=known, limit=limit, trusted=trusted)
        if len(counted) == len(found):
            return counted, sorted(waiting, key=lambda statement: statement.sent)
        kept = {one.id for one in counted}
        held = {one.id: one for one in found if one.id not in kept}
        waiting += held.values()
        left = [one for one in left if one.id not in held]


def _is_new(one: Statement, known: frozenset[int], learned: Mapping[str, tuple[float, int, int]]) -> bool:
    return one.id not in known and (one.key not in learned or one.sent > learned[one.key])


def by_hash(key: str) -> bytes:
    """A sort key that prefers no age, no answer and no name."""
    return hashlib.sha256(key.encode()).digest()
