"""How far the champions of a run stayed behind a model trained on all labels so far, and when they had caught up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from relearn.agents.learning.encode import columns_matrix, fit_encoder
from relearn.agents.learning.evidence import review_example
from relearn.agents.learning.fit import fit_svm
from relearn.agents.learning.reviews import reviews
from relearn.agents.learning.training_set import training_set
from relearn.schemas.model.linear_svm import Model
from relearn.scripts.data.accuracy import accuracy
from relearn.scripts.dev.bench.policy.learning_log import LearningLog
from relearn.scripts.dev.bench.policy.memory import MemoryStore
from relearn.scripts.dev.bench.policy.streams import Stream

#: The champion is compared at label number FIRST, and then whenever the number of labels has grown by FACTOR.
FIRST, FACTOR = 10, 1.25
#: The share of the attainable gain that is to be made. Gains below a point are not measured: they are within chance.
MOST = 0.95
LEAST_GAIN = 0.01


@dataclass(frozen=True, slots=True)
class Regret:
    """`mean`: over labels, accuracy of the model of all labels so far less the champion's, on held-back records.

    `needed`: labels until the champion had made MOST of the gain that all labels of the run give, all of them where it
    never did; None: there was no gain to make.
    """

    mean: float
    needed: int | None


def regret(memory: MemoryStore, log: LearningLog, stream: Stream) -> Regret:
    """What a run that has ended regrets. The model of all labels so far has the champion's C, and assumes nothing."""
    total = len(log.labels)
    if not total:
        return Regret(0.0, None)

    @cache
    def champions(version: int, *, late: bool) -> float:
        return accuracy(memory.models[version].model, stream.held_back if late else stream.held_back_early)

    behind, counted = 0.0, 0
    for label in _checkpoints(total):
        version, record = log.labels[label - 1]
        held_back = stream.held_back_at(record)
        of_all = _of_all(memory, label, version)
        behind += (label - counted) * (
            accuracy(of_all, held_back) - champions(version, late=held_back is stream.held_back)
        )
        counted = label
    start = champions(memory.activations[0].version, late=True)
    gain = accuracy(of_all, stream.held_back) - start  # of the last checkpoint, which is all labels
    if gain < LEAST_GAIN:
        return Regret(behind / total, None)
    goal = start + MOST * gain
    reached = (i for i, (version, _) in enumerate(log.labels, 1) if champions(version, late=True) >= goal)
    return Regret(behind / total, next(reached, total))


def _checkpoints(total: int) -> Iterator[int]:
    at = FIRST
    while at < total:
        yield at
        at = int(at * FACTOR)
    yield total


def _of_all(memory: MemoryStore, label: int, champion: int) -> Model:
    """A model of the bootstrap rows and the reviews up to `label`."""
    found = [review_example(one) for one in reviews(memory.statements[:label])]
    first = (example for _, example in memory.bootstrap)
    examples = training_set(memory.schema, [*first, *found], string_of=memory.string_of)
    classes, y = np.unique(np.array(examples.labels), return_inverse=True)
    encoder, c = (
        fit_encoder(memory.schema, examples.features, examples.string_of),
        memory.models[champion].model.metrics["c"],
    )
    svm = fit_svm(
        columns_matrix(encoder, examples.features, examples.string_of), y, c, scaled=len(memory.schema.numbers)
    )
    return Model(0, tuple(classes.tolist()), memory.schema.names, *svm, None, encoder=encoder)
