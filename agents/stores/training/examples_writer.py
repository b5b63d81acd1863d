"""The examples of a model as lines of CSV or newline-delimited JSON. Numbers are written so that they read back alike.

In CSV the features stand behind nine columns of ours, by their names; one that is called as one of those gets
`feature.` in front. In JSON they are a map of their own.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from typing import IO

from relearn.agents.stores.training.lineage import Used

OURS = Used._fields[:-1]
FORMATS = ("csv", "ndjson")

Write = Callable[[Used], None]


def writer(file: IO[str], form: str, feature_names: Sequence[str]) -> Write:
    """Write the head, where the form has one, and return what writes one example."""
    return csv_writer(file, feature_names) if form == "csv" else ndjson_writer(file, feature_names)


def csv_writer(file: IO[str], feature_names: Sequence[str]) -> Write:
    """A header, then a row for each; what isn't there is empty."""
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow([*OURS, *csv_names(feature_names)])

    def write(one: Used) -> None:
        rows.writerow([*one[:-1], *one.features])

    return write


def ndjson_writer(file: IO[str], feature_names: Sequence[str]) -> Write:
    """An object on a line for each; what isn't there is null."""

    def write(one: Used) -> None:
        features = dict(zip(feature_names, one.features, strict=True))
        json.dump({**one._asdict(), "features": features}, file, ensure_ascii=False)
        file.write("\n")

    return write


def csv_names(feature_names: Sequence[str], ours: Sequence[str] = OURS) -> list[str]:
    """The features' columns, all different from each other and from ours."""
    taken, names = {*ours, *feature_names}, []
    for name in feature_names:
        column = name
        if name in ours:
            while column in taken:
                column = f"feature.{column}"
            taken.add(column)
        names.append(column)
    return names
