"""The sample of labels that a training uses where there are more than it can take in its time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from relearn.agents.learning.reviews import by_hash

if TYPE_CHECKING:
    from relearn.agents.learning.training_set import Example

#: Minimum number of examples per class: with fewer a class can't be both fitted and evaluated.
LEAST_PER_CLASS = 2


def sample_labels(labelled: Sequence[Example], limit: int | None) -> list[Example]:
    """`labelled`, oldest first, one per key, or at most `limit` of them: the newest half, and the rest chosen by hash.

    The newest follow what changes, the rest remembers what is seldom. LEAST_PER_CLASS of each class stay, also where
    that is more than `limit`. The same examples in the same order give the same sample; one more replaces few.
    """
    if limit is None or len(labelled) <= limit:
        return list(labelled)
    kept = {one.key for one in labelled[len(labelled) - limit // 2 :]}
    in_order = sorted(labelled, key=_sample_order)
    of_class: Counter[str] = Counter()
    for one in in_order:
        if of_class[one.label] < LEAST_PER_CLASS:
            of_class[one.label] += 1
            kept.add(one.key)
    for one in in_order:
        if len(kept) >= limit:
            break
        kept.add(one.key)
    return [one for one in labelled if one.key in kept]


def _sample_order(one: Example) -> bytes:
    # Not the order in which a sender's labels are limited: the sample would prefer those of limited senders.
    return by_hash(f"sample {one.key}")
