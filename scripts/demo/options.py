"""The options of a demo, the namespace, and the split of its data: training, streamed and held back. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from relearn.schemas.errors import Refused
from relearn.schemas.settings import PREFIX
from relearn.scripts.data.datasets import Dataset, split_rows

NAMESPACE = PREFIX + "NAMESPACE"
#: The default data set, in the default namespace.
DEFAULT_DATASET = "digits"
#: Records held back, but at most one in three of those that don't train.
HELD_BACK = 300
_HELD_BACK_PART = 3
_LONGEST = 40


@dataclass(frozen=True)
class DemoOptions:
    """The command's options."""

    source: str
    label: str | None
    drift: bool
    rows: int
    rate: float
    seconds: float
    leave: bool
    seed: int


@dataclass(frozen=True)
class DataParts:
    """A data set in three parts that have no row in common.

    `training`: the first model's labelled rows. `real`: what is streamed and reviewed. `held_back`: never streamed.
    """

    training: Dataset
    real: Dataset
    held_back: Dataset


def split_data(dataset: Dataset, rows: int, seed: int) -> DataParts:
    """The three parts, each class in its share in each of them. The same seed gives the same parts.

    Raises:
        Refused: there are too few records for that.
    """
    training, rest = split_rows(dataset, rows, seed)
    held_back, real = split_rows(rest, min(HELD_BACK, len(rest) // _HELD_BACK_PART), seed)
    if not len(held_back):
        raise Refused(f"{dataset.name} has {len(dataset)} records: {rows} to train on leave too few to stream")
    return DataParts(training, real, held_back)


def with_namespace(environment: Mapping[str, str], source: str, *, drift: bool) -> dict[str, str]:
    """The environment, with a namespace of its own unless one is set or the default scenario runs.

    Other data has other features, and the models of the default scenario must not learn from a shifted stream.
    """
    if environment.get(NAMESPACE) or (source == DEFAULT_DATASET and not drift):
        return dict(environment)
    return {**environment, NAMESPACE: namespace_of(source)}


def namespace_of(source: str) -> str:
    """The namespace of a data set: `relearn-` and its name in lower case, such as `relearn-breast-cancer`."""
    stem = source.rpartition("/")[2].rpartition(".csv")[0] or source.rpartition("/")[2]
    plain = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-") or "file"
    return f"relearn-{plain}"[:_LONGEST].rstrip("-")
