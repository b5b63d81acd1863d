"""Records of numbers and categories with gaps: a schema, rows of it, and a table of yes and no."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from relearn.agents.learning.training_set import Example, TrainingSet, training_set
from relearn.schemas.features import Feature, FeatureSchema, Value, code_of, row_of

#: A category before and between the numbers: the order of a row is another one.
SCHEMA = FeatureSchema(
    (Feature("colour", "category", True), Feature("age", missing=True), Feature("town", "category"), Feature("income"))
)
COLOURS = ("red", "green", "blue, dark", "é")
EFFECTS = dict(zip(COLOURS, (1.5, -1.5, 0.3, -0.8), strict=True))
TOWNS = tuple(f"t{i}" for i in range(12))


def mixed_values(n: int, seed: int = 0) -> tuple[list[list[Value]], list[str]]:
    """The values of n records in the order of SCHEMA, and their labels."""
    rng = np.random.default_rng(seed)
    rows: list[list[Value]] = []
    labels = []
    for _ in range(n):
        colour, town = COLOURS[rng.integers(4)], TOWNS[min(int(rng.exponential(3)), 11)]
        age, income = round(float(rng.normal(40, 12)), 1), round(float(rng.normal(10, 2)), 1)
        margin = EFFECTS[colour] + (age - 40) / 12 - (income - 10) / 2 + rng.normal(scale=0.3)
        rows.append([colour if rng.random() > 0.1 else None, age if rng.random() > 0.1 else None, town, income])
        labels.append("yes" if margin > 0 else "no")
    return rows, labels


def row(values: Sequence[Value], schema: FeatureSchema = SCHEMA) -> np.ndarray:
    """The row of one record's values."""
    numbers = [np.nan if values[i] is None else values[i] for i in schema.numbers]
    return np.asarray(row_of(numbers, [values[i] for i in schema.strings]))  # type: ignore[arg-type, misc]


def mixed_set(n: int, seed: int = 0) -> TrainingSet:
    """A training set of n such records."""
    rows, labels = mixed_values(n, seed)
    string_of = {code_of(one): one for values in rows for one in values if isinstance(one, str)}
    examples = [
        Example(i, f"k{i}", row(values), label) for i, (values, label) in enumerate(zip(rows, labels, strict=True))
    ]
    return training_set(SCHEMA, examples, string_of=string_of)


def write_table(path: Path, n: int, seed: int = 0) -> Path:
    """n such records as a CSV file with a column `answer`; what is missing is an empty cell."""
    rows, labels = mixed_values(n, seed)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow([*SCHEMA.names, "answer"])
        table.writerows(
            [*("" if one is None else one for one in values), label] for values, label in zip(rows, labels, strict=True)
        )
    return path
