"""What drift compares of each record: numbers as they are, a category's level, of a text the share of unknown words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from relearn.agents.learning.encode import encode
from relearn.schemas.features import NO_STRINGS, StringOf, code_of
from relearn.schemas.model.linear_svm import Floats, Model

#: Maximum number of levels of a category with a bin of their own, and the least share of the records for one.
LEVELS_MAX = 20
LEAST_SHARE = 0.01

#: By feature: the levels with a bin of their own.
Levels = Mapping[str, Sequence[str]]


def frequent_levels(model: Model, rows: Floats, string_of: StringOf) -> dict[str, tuple[str, ...]]:
    """Of each category the frequent levels in (n, d) rows, the most frequent first."""
    found: dict[str, tuple[str, ...]] = {}
    schema, first = model.schema, len(model.schema.numbers)
    for j, place in enumerate(schema.strings):
        if j in schema.texts:
            continue
        codes, counts = np.unique(rows[:, first + j], return_counts=True)
        order = np.argsort(-counts, kind="stable")
        often = [codes[i] for i in order.tolist() if counts[i] >= LEAST_SHARE * len(rows)]
        found[schema.names[place]] = tuple(string_of[code] for code in often if code in string_of)[:LEVELS_MAX]
    return found


def drift_columns(model: Model, rows: Floats, levels: Levels, string_of: StringOf = NO_STRINGS) -> Floats:
    """(n, d) rows with what is compared in place of codes; NaN where a value is missing.

    Of a category with `levels` it is the number of its level among them, from 0, or how many they are. Another
    category keeps its codes. Of a text it is the share of its words that training didn't see, from 0 to 1.
    """
    schema, first = model.schema, len(model.schema.numbers)
    if not schema.strings:
        return rows
    columns = rows.copy()
    for j, place in enumerate(schema.strings):
        if schema.names[place] in levels:
            columns[:, first + j] = _numbered(rows[:, first + j], levels[schema.names[place]])
    if schema.texts:
        encoded = encode(model.encoder, rows, string_of)
        for j, text in zip(schema.texts, encoded.texts, strict=True):
            codes = rows[:, first + j]
            columns[:, first + j] = np.where(np.isnan(codes), np.nan, text.unknown)
    return columns


def _numbered(codes: Floats, levels: Sequence[str]) -> Floats:
    numbers = np.where(np.isnan(codes), np.nan, float(len(levels)))
    for i, level in enumerate(levels):
        numbers[codes == code_of(level)] = i
    return numbers
