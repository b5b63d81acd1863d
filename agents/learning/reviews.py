"""From statements to labels: who says what of which prediction now, in Kafka's order, and what that comes to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from relearn.schemas.identity import Place
from relearn.schemas.messages.feedback import Via

#: Every way of being reviewed but `volunteer` is evidence between models: the reviewer didn't choose the record.
EVIDENCE: frozenset[Via] = frozenset(("audit", "queue", "disagree", "batch"))
#: Only these estimate accuracy: which records they are doesn't depend on any model.
UNBIASED: frozenset[Via] = frozenset(("audit", "batch"))


class Statement(NamedTuple):
    """One row of `corrections`. `sent` is Kafka's order: append time in s, partition, offset of the message."""

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

    @property
    def corrects(self) -> bool:
        """Whether it says another label than the prediction."""
        return self.label is not None and self.label != self.predicted


def standing_statements(statements: Iterable[Statement]) -> list[Statement]:
    """Each reviewer's last word on each prediction, without those that were taken back; in Kafka's order."""
    last: dict[tuple[Place, str | None], Statement] = {}
    for one in sorted(statements, key=lambda statement: statement.sent):
        last[one.place, one.reviewer] = one
    return sorted((one for one in last.values() if one.label is not None), key=lambda statement: statement.sent)


def reviews(statements: Iterable[Statement]) -> list[Statement]:
    """One review per prediction: of what its reviewers say now, the latest; in Kafka's order."""
    latest: dict[Place, Statement] = {one.place: one for one in standing_statements(statements)}
    return sorted(latest.values(), key=lambda statement: statement.sent)


def disputed(statements: Iterable[Statement]) -> list[Place]:
    """Predictions of which two reviewers say different labels now."""
    said: dict[Place, set[str | None]] = {}
    for one in standing_statements(statements):
        said.setdefault(one.place, set()).add(one.label)
    return sorted(place for place, labels in said.items() if len(labels) > 1)


def limit_new_keys(found: Sequence[Statement], *, known: frozenset[int], limit: int) -> list[Statement]:
    """`found` with what each reviewer says anew of at most `limit` keys; those of which he spoke first count.

    What was learned from before (the `known` ids) stays, and so does what is older than that about the same key: only
    the latest of a key is ever learned from. The rest of a flood waits for the jobs to come.
    """
    ordered = sorted(found, key=lambda statement: statement.sent)
    learned = {one.key: one.sent for one in ordered if one.id in known}
    taken: dict[str | None, set[str]] = {}
    kept = []
    for one in ordered:
        if one.id not in known and (one.key not in learned or one.sent > learned[one.key]):
            keys = taken.setdefault(one.reviewer, set())
            if one.key not in keys and len(keys) >= limit:
                continue
            keys.add(one.key)
        kept.append(one)
    return kept
