"""The sample of labels that a training uses where there are more than it can take in its time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from relearn.agents.learning.reviews import hashes_of

if TYPE_CHECKING:
    from relearn.agents.learning.training_set import Example

#: Minimum number of examples per class: with fewer a class can't be both fitted and evaluated.
LEAST_PER_CLASS = 2
#: The part of a key's hash that decides, by which neither its fold nor the choice of C is decided. Nor is it the order
#: in which a sender's labels are limited: the sample would prefer those of limited senders.
_COLUMN = 2


def sample_labels(labelled: Sequence[Example], limit: int | None) -> list[Example]:
    """`labelled`, oldest first, one per key, or at most `limit` of them: the newest half, and the rest chosen by hash.

    The newest follow what changes, the rest remembers what is seldom. LEAST_PER_CLASS of each class stay, also where
    that is more than `limit`. The same examples in the same order give the same sample; one more replaces few.
    """
    if limit is None or len(labelled) <= limit:
        return list(labelled)
    newest = labelled[len(labelled) - limit // 2 :]
    kept, of_class = {one.key for one in newest}, Counter(one.label for one in newest)
    older = labelled[: len(labelled) - len(newest)]
    others = [older[i] for i in hashes_of([one.key for one in older])[:, _COLUMN].argsort(kind="stable").tolist()]
    for one in others:
        if of_class[one.label] < LEAST_PER_CLASS:
            of_class[one.label] += 1
            kept.add(one.key)
    for one in others:
        if len(kept) >= limit:
            break
        kept.add(one.key)
    return [one for one in labelled if one.key in kept]
