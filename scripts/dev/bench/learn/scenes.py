"""The two scenes: which records are streamed, who labels them, and which are held back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from relearn.agents.kafka.producer import OutgoingMessage
from relearn.schemas.messages.ingest import CE_TYPE_ONE
from relearn.scripts.data.datasets import Dataset, load_dataset, resample_with_noise, split_rows
from relearn.scripts.data.messages import cut, encode_one, passes
from relearn.scripts.demo.traffic.stream import Labelled
from relearn.scripts.dev.bench.policy.streams import NOISE, STREAMS

Name = Literal["reviewer", "feed"]
#: Labelled rows of the first model.
FIRST_ROWS = 60
#: The share of a data set's other rows that are never streamed.
HELD_BACK_SHARE = 0.2
#: Records that judge: enough to find a difference of half a point between models that differ in 2 % of their answers.
HELD_BACK = 10_000
_PIECE = 1000


@dataclass(frozen=True, slots=True)
class Records:
    """`streamed`: without end. `held_back`: drawn as they are, of subjects that are neither streamed nor in `first`."""

    first: Dataset
    streamed: Iterator[Dataset]
    held_back: Dataset


@dataclass(frozen=True, slots=True)
class Scene:
    """`rate`: records per second. `labels`: labels per second. `minutes`: minimum length at which its bars are meant.

    `within`: how far the champion may be behind scikit-learn on all labels. `draw`: the records of a seed.
    """

    name: Name
    title: str
    rate: int
    labels: int
    minutes: float
    within: float
    draw: Callable[[int], Records]


def _digits(seed: int) -> Records:
    """Subjects that return: each pass over the rows has another order and new noise, as `relearn produce --noise`."""
    digits = load_dataset("digits")
    first, rest = split_rows(digits, FIRST_ROWS, seed)
    held_back, streamed = split_rows(rest, round(HELD_BACK_SHARE * len(rest)), seed)
    judging = resample_with_noise(held_back, HELD_BACK, np.random.default_rng([seed, 1]), NOISE)
    return Records(first, passes(streamed, seed=seed, noise=NOISE), judging)


def _gaussian(seed: int) -> Records:
    """Each record about a subject of its own: a stream that never repeats itself, as transactions don't.

    Digits have 1,797 subjects, of which 500 labels a second would know each within four seconds. Here 60 rows give .87
    on average, and some thousands of labels .94.
    """
    first, draw = STREAMS["multi_class"].source(FIRST_ROWS, seed, np.random.default_rng(seed))
    held_back = draw(HELD_BACK)

    def streamed() -> Iterator[Dataset]:
        while True:
            yield draw(_PIECE)

    return Records(first, streamed(), held_back)


SCENES: Mapping[Name, Scene] = {
    "reviewer": Scene("reviewer", "one reviewer, subjects that return (digits)", 3000, 2, 15.0, 0.01, _digits),
    "feed": Scene("feed", "a feed of outcomes, no subject twice (four classes)", 1000, 500, 3.0, 0.005, _gaussian),
}


def messages(records: Iterator[Dataset], run: str) -> Iterator[OutgoingMessage]:
    """Each record as a message of its own, with its label for the label source. Ids are `run` and a number."""
    for number, one in enumerate(cut(records, 1, None)):
        name = f"{run}-{number}"
        yield Labelled(encode_one(one, [name], None, "packed"), CE_TYPE_ONE, None, name, 1, one.labels or ())
