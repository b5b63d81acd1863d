"""Records with a text, a number and a category: letters to a shop, which are complaints or not."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from relearn.agents.learning.training_set import Example, TrainingSet, training_set
from relearn.schemas.features import Feature, FeatureSchema, StringOf, Value, rows_of_values, strings_by_code
from relearn.schemas.model.linear_svm import Floats

SCHEMA = FeatureSchema(
    (
        Feature("letter", "text", missing=True),
        Feature("amount"),
        Feature("channel", "category"),
        Feature("title", "text"),
    )
)
_BAD = ("broken", "late", "refund", "never arrived", "wrong size", "disappointed", "not working", "Rücksendung")
_GOOD = ("thank you", "great", "fits well", "happy", "fast delivery", "would buy again", "gift", "schön")
_ANY = ("the order", "my parcel", "yesterday", "shoes", "from your shop", "please", "number 4711", "and", "was", "it")


def letters(n: int, seed: int = 0) -> tuple[list[list[Value]], list[str]]:
    """The values of n records in the order of SCHEMA, and their labels."""
    rng = np.random.default_rng(seed)
    values: list[list[Value]] = []
    labels = []
    for _ in range(n):
        bad = bool(rng.random() < 0.5)
        own = [str(one) for one in rng.choice(_BAD if bad else _GOOD, 2)]
        words = [*own, *(str(one) for one in rng.choice(_ANY, rng.integers(2, 9)))]
        rng.shuffle(words)
        letter = None if rng.random() < 0.1 else " ".join(words).capitalize() + "."
        amount = round(float(rng.normal(60 if bad else 40, 15)), 2)
        title = str(rng.choice(("Complaint", "Question", "Order"))) if bad else "Order and thanks"
        values.append([letter, amount, str(rng.choice(("mail", "web"))), title])
        labels.append("complaint" if bad else "praise")
    return values, labels


def write_letters(path: Path, n: int, seed: int = 0) -> Path:
    """n such records as a CSV file with a column `answer`; the last letter has 5 kB."""
    values, labels = letters(n, seed)
    values[-1][0] = " ".join(["A long letter", *("about the order",) * 330])
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow([*SCHEMA.names, "answer"])
        table.writerows(
            [*("" if one is None else one for one in its), label] for its, label in zip(values, labels, strict=True)
        )
    return path


def rows_of_letters(n: int, seed: int = 0) -> tuple[Floats, StringOf, list[str]]:
    """(n, 4) rows, the string of each code in them, and labels."""
    values, labels = letters(n, seed)
    rows, strings = rows_of_values(values, SCHEMA)
    return rows, strings_by_code(strings), labels


def set_of_letters(n: int, seed: int = 0) -> TrainingSet:
    """A training set of n such records."""
    rows, string_of, labels = rows_of_letters(n, seed)
    examples = [Example(i, f"k{i}", row, label) for i, (row, label) in enumerate(zip(rows, labels, strict=True))]
    return training_set(SCHEMA, examples, string_of=string_of)
