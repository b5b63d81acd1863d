"""What a run of the demo works with: which rows train, stream and are held back, and in which namespace. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from relearn.schemas.errors import Refused
from relearn.schemas.settings import PREFIX
from relearn.scripts.data.datasets import Dataset, split_rows

NAMESPACE = PREFIX + "NAMESPACE"
#: What is told by default, in the default namespace.
FIRST = "digits"
#: Held back are so many records, but at most one in so many of those that don't train.
HELD_BACK = 300
_AT_MOST_ONE_IN = 3
_LONGEST = 40


@dataclass(frozen=True)
class Wanted:
    """What was asked for."""

    source: str
    label: str | None
    drift: bool
    rows: int
    rate: float
    seconds: float
    leave: bool
    seed: int


@dataclass(frozen=True)
class Parts:
    """A data set in three parts that have no row in common.

    `training`: the first model's labelled rows. `real`: what is streamed and reviewed. `held_back`: never streamed.
    """

    training: Dataset
    real: Dataset
    held_back: Dataset


def parts_of(dataset: Dataset, rows: int, seed: int) -> Parts:
    """The three parts, each class in its share in each of them. The same seed gives the same parts.

    Raises:
        Refused: there are too few records for that.
    """
    training, rest = split_rows(dataset, rows, seed)
    held_back, real = split_rows(rest, min(HELD_BACK, len(rest) // _AT_MOST_ONE_IN), seed)
    if not len(held_back):
        raise Refused(f"{dataset.name} has {len(dataset)} records: {rows} to train on leave too few to stream")
    return Parts(training, real, held_back)


def with_namespace(environment: Mapping[str, str], source: str, *, drift: bool) -> dict[str, str]:
    """The environment, with a namespace of its own for anything but the default story, unless one is set.

    Other data has other features, and a shifted stream would be another lesson to the models of the first.
    """
    if environment.get(NAMESPACE) or (source == FIRST and not drift):
        return dict(environment)
    return {**environment, NAMESPACE: namespace_of(source)}


def namespace_of(source: str) -> str:
    """`relearn-` and the data set's name, as namespaces are written: `relearn-breast-cancer`."""
    stem = source.rpartition("/")[2].rpartition(".csv")[0] or source.rpartition("/")[2]
    plain = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-") or "file"
    return f"relearn-{plain}"[:_LONGEST].rstrip("-")
