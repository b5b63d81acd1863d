"""Labels that a reviewer needs until the model has made most of its way: by the review queue, and by random review."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from relearn.agents.learning.fit import fit
from relearn.agents.learning.predict import score
from relearn.agents.learning.review_choice import Candidate, certainty, choose
from relearn.agents.learning.training_set import Example, example_key, training_set
from relearn.agents.stores.predictions.review_candidates import POOL
from relearn.schemas.identity import Place
from relearn.schemas.model.linear_svm import Model
from relearn.scripts.data.accuracy import accuracy
from relearn.scripts.data.datasets import Dataset
from relearn.scripts.dev.bench.policy.bars import Bar
from relearn.scripts.dev.bench.policy.reviewers import BUDGET
from relearn.scripts.dev.bench.policy.streams import Stream, draw_stream

#: The way is from the first model to the one that knows every label; so much of it is made.
MOST = 0.8
#: The number of labels after which a model is trained.
EVERY = 10
#: At most this share of the labels that random review needs: on each data set, and in the median of them.
EACH, MEDIAN = 0.65, 0.5


@dataclass(frozen=True, slots=True)
class Effort:
    """One run: how many labels each way of choosing needed; `most`, if the labels ran out before."""

    stream: str
    seed: int
    queue: int
    random: int
    most: int


def effort(stream: str, seed: int, audit_share: float, *, shorter: int = 1) -> Effort:
    """Both ways on the same records; the same arguments give the same."""
    drawn = draw_stream(stream, seed, shorter=shorter)
    first, best = _model(drawn, []), _model(drawn, range(drawn.reviewed))
    begin = accuracy(first, drawn.held_back)
    goal = begin + MOST * (accuracy(best, drawn.held_back) - begin)
    by_queue, by_chance = (_needed(drawn, seed, share, goal) for share in (audit_share, 1.0))
    return Effort(stream, seed, by_queue, by_chance, int(drawn.reviewed * BUDGET))


def _needed(stream: Stream, seed: int, audit_share: float, goal: float) -> int:
    """Labels until the model has so much right of held-back records."""
    rng = np.random.default_rng([seed, *stream.name.encode(), round(1000 * audit_share)])
    labelled: list[int] = []
    taken: set[str] = set()
    model = _model(stream, labelled)
    for label in range(1, int(stream.reviewed * BUDGET) + 1):
        candidates = _window(stream, model, int(label / BUDGET), labelled)
        choice = choose(candidates, taken=taken, audit_share=audit_share, rng=rng)
        assert choice is not None
        labelled.append(choice.candidate.place.offset)
        taken.add(choice.candidate.key)
        if label % EVERY == 0:
            model = _model(stream, labelled)
            if accuracy(model, stream.held_back) >= goal:
                return label
    return len(labelled)


def _window(stream: Stream, model: Model, end: int, labelled: Sequence[int]) -> list[Candidate]:
    """The latest unreviewed records before number `end`, as the queue has them."""
    known = set(labelled)
    numbers = [i for i in range(max(0, end - POOL), end) if i not in known]
    records = stream.records.take(np.array(numbers))
    scores = score(model, records.features, records.string_of)
    confidence = [None if chance != chance else chance for chance in scores.confidence.tolist()]  # noqa: PLR0124 - NaN
    return [
        Candidate(
            Place(0, 0, number, 0),
            example_key(records.subjects[i], records.features[i]),
            records.features[i].tolist(),
            model.classes[scores.labels[i]],
            certainty(confidence[i], scores.margins[i].tolist()),
            False,
        )
        for i, number in enumerate(numbers)
    ]


def _model(stream: Stream, labelled: Iterable[int]) -> Model:
    """What is learned from the first rows and from these records."""
    first = list(_examples(stream.bootstrap, range(len(stream.bootstrap)), 0))
    found = [*first, *_examples(stream.records, labelled, len(first))]
    string_of = {**stream.records.string_of, **stream.bootstrap.string_of}
    examples = training_set(stream.bootstrap.schema, found, string_of=string_of)
    return fit(examples).as_model(1, examples.schema.names)


def _examples(rows: Dataset, numbers: Iterable[int], after: int) -> Iterable[Example]:
    for number in numbers:
        features, truth = rows.features[number], (rows.labels or ())[number]
        yield Example(after + number, example_key(rows.subjects[number], features), features.tolist(), truth)


def effort_bars(found: Sequence[Effort]) -> list[Bar]:
    """What was found against what is asked for: labels by the queue of those by random review, over all seeds."""
    if not found:
        return []
    names = list(dict.fromkeys(one.stream for one in found))
    sums = {name: _sums([one for one in found if one.stream == name]) for name in names}
    each = [Bar(f"labels by the queue of those by random review, {name}", *sums[name], EACH) for name in names]
    middle = sorted(sums.values(), key=lambda both: both[0] / both[1])[len(sums) // 2]
    return [*each, Bar("the same, median of the data sets", *middle, MEDIAN)]


def _sums(found: Sequence[Effort]) -> tuple[int, int]:
    return sum(one.queue for one in found), sum(one.random for one in found)
