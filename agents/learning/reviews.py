"""From statements to reviews: each reviewer's current label of a prediction, and the one that counts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relearn.schemas.identity import Place
from relearn.schemas.messages.feedback import Via, scope_of
from relearn.schemas.model.linear_svm import Features

#: Reviews that are evidence between models, all but `volunteer`: the reviewer didn't choose the record.
EVIDENCE: frozenset[Via] = frozenset(("audit", "queue", "disagree", "batch"))
#: Reviews that estimate accuracy: the choice of their records doesn't depend on any model.
UNBIASED: frozenset[Via] = frozenset(("audit", "batch"))


_sent = attrgetter("sent")


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
    last: dict[tuple[Place, str | None], Statement] = {}
    for one in by_arrival(statements):
        key = one.place, one.reviewer
        last.pop(key, None)  # so that the order is that of the latest
        last[key] = one
    return [one for one in last.values() if one.label is not None]


def latest_of_each(standing: Iterable[Statement]) -> list[Statement]:
    """The latest of the standing statements about each prediction; in the order of arrival."""
    latest: dict[Place, Statement] = {}
    for one in by_arrival(standing):
        latest.pop(one.place, None)
        latest[one.place] = one
    return list(latest.values())


def reviews(statements: Iterable[Statement]) -> list[Statement]:
    """One review per prediction: the latest of its reviewers' current statements; in the order of arrival."""
    return latest_of_each(standing_statements(statements))


def disputed(standing: Iterable[Statement]) -> list[Place]:
    """Predictions to which two reviewers now give different labels. `standing`: see `standing_statements`."""
    first: dict[Place, str | None] = {}
    return sorted({one.place for one in standing if first.setdefault(one.place, one.label) != one.label})


def first_given(statements: Sequence[Statement], found: Sequence[Statement]) -> dict[int, float]:
    """Of each review in `found` that repeats the label before it: the arrival of the first equal statement."""
    if len(statements) == len(found):
        return {}
    # Elsewhere there is nothing to repeat, and of most predictions there is one statement.
    seen = set[Place]()
    again = {one.place for one in statements if one.place in seen or seen.add(one.place)}  # type: ignore[func-returns-value]
    runs: dict[Place, tuple[str, float]] = {}
    for one in by_arrival(one for one in statements if one.place in again):
        if one.label is not None and runs.get(one.place, ("",))[0] != one.label:
            runs[one.place] = one.label, one.sent[0]
    began = ((one, *runs[one.place]) for one in found if one.place in again)
    return {one.id: since for one, label, since in began if label == one.label and since < one.sent[0]}


def by_arrival(statements: Iterable[Statement]) -> list[Statement]:
    """Statements in Kafka's order."""
    return sorted(statements, key=_sent)


def hashes_of(keys: Sequence[str]) -> NDArray[np.uint64]:
    """(n, 4), the SHA-256 of each key as four numbers."""
    digests = b"".join([hashlib.sha256(key.encode()).digest() for key in keys])
    return np.frombuffer(digests, ">u8").astype(np.uint64).reshape(-1, 4)


def by_hash(key: str) -> bytes:
    """A sort key that prefers no age, no answer and no name."""
    return hashlib.sha256(key.encode()).digest()
