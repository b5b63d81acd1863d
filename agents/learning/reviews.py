"""From statements to reviews: each reviewer's current label of a prediction, and the one that counts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from relearn.schemas.identity import Place
from relearn.schemas.messages.feedback import Via, scope_of
from relearn.schemas.model.linear_svm import Features

#: Reviews that are evidence between models, all but `volunteer`: the reviewer didn't choose the record.
EVIDENCE: frozenset[Via] = frozenset(("audit", "queue", "disagree", "batch"))
#: Reviews that estimate accuracy: the choice of their records doesn't depend on any model.
UNBIASED: frozenset[Via] = frozenset(("audit", "batch"))


_sent = attrgetter("sent")
_BEFORE_ALL = (float("-inf"), 0, 0)


class Admitted(NamedTuple):
    """What a training learns from. `reviews`: those that count now; `waiting`: statements that wait for later jobs.

    Each in the order of arrival. `disputed`: the predictions to which two reviewers now give different labels.
    """

    reviews: list[Statement]
    waiting: list[Statement]
    disputed: list[Place]


class Statement(NamedTuple):
    """One row of `corrections`. `sent` orders statements: number of arrival, partition and offset of the message."""

    id: int
    place: Place
    key: str
    features: Features
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
    return _standing(_by_arrival(statements))


def reviews(statements: Iterable[Statement]) -> list[Statement]:
    """One review per prediction: the latest of its reviewers' current statements; in the order of arrival."""
    return _latest(standing_statements(statements))


def first_given(statements: Sequence[Statement], found: Sequence[Statement]) -> dict[int, float]:
    """Of each review in `found` that repeats the label before it: the arrival of the first equal statement."""
    if len(statements) == len(found):
        return {}
    runs: dict[Place, tuple[str, float]] = {}
    for one in _by_arrival(statements):
        if one.label is not None and runs.get(one.place, ("",))[0] != one.label:
            runs[one.place] = one.label, one.sent[0]
    began = ((one, *runs[one.place]) for one in found)
    return {one.id: since for one, label, since in began if label == one.label and since < one.sent[0]}


def admitted_reviews(
    statements: Iterable[Statement], *, known: frozenset[int], limit: int, trusted: frozenset[str] = frozenset()
) -> Admitted:
    """The reviews that count now, and the statements that wait for later jobs.

    New statements of a sender count for at most `limit` keys, chosen by hash, so that no age is preferred. A sender in
    `trusted` (scopes) isn't limited, nor one beside whom no other has said anything that stands: no other opinion could
    be outweighed, as with a feed of outcomes. New is what is neither among the `known` ids, from which a model was
    trained before, nor older than a known label of its key, since training uses only the latest of a key.

    Where the latest statement about a prediction waits, the one before it is the review: a flood of labels for records
    that were reviewed before takes nothing from what a model has learned.
    """
    ordered = _by_arrival(statements)
    standing = _standing(ordered)
    waiting = _waiting(ordered, known, limit, trusted)
    if not waiting:
        return Admitted(_latest(standing), [], _disputed(standing))
    held = {one.id for one in waiting}
    counted = _latest(_standing([one for one in ordered if one.id not in held]))
    return Admitted(counted, waiting, _disputed(standing))


def _waiting(
    ordered: Sequence[Statement], known: frozenset[int], limit: int, trusted: frozenset[str]
) -> list[Statement]:
    if len({(one.principal, one.reviewer) for one in ordered}) <= 1:
        return []
    settled = _standing([one for one in ordered if _is_settled(one, known)])
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


def _by_arrival(statements: Iterable[Statement]) -> list[Statement]:
    return sorted(statements, key=_sent)


def _standing(ordered: Iterable[Statement]) -> list[Statement]:
    last: dict[tuple[Place, str | None], Statement] = {}
    for one in ordered:
        last[one.place, one.reviewer] = one
    return sorted((one for one in last.values() if one.label is not None), key=_sent)


def _latest(standing: Iterable[Statement]) -> list[Statement]:
    latest: dict[Place, Statement] = {one.place: one for one in standing}
    return sorted(latest.values(), key=_sent)


def _disputed(standing: Iterable[Statement]) -> list[Place]:
    first: dict[Place, str | None] = {}
    return sorted({one.place for one in standing if first.setdefault(one.place, one.label) != one.label})


def _by_turn(scope: str, keys: Iterable[str]) -> list[str]:
    """The sender's keys in an order of their hashes, another one for each sender."""
    return sorted(keys, key=lambda key: by_hash(f"{scope} {key}"))


def _is_settled(one: Statement, known: frozenset[int]) -> bool:
    """Whether no limit holds it: a model knows it, or it takes a label back."""
    return one.id in known or one.label is None


def by_hash(key: str) -> bytes:
    """A sort key that prefers no age, no answer and no name."""
    return hashlib.sha256(key.encode()).digest()
