"""Records as JSON → (n, d) rows, or their values in the schema's order; or a problem that names row and feature."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain, repeat

import numpy as np

from relearn.api.http.problems import invalid_fields
from relearn.schemas.features import (
    NO_STRINGS,
    Feature,
    FeatureSchema,
    Kind,
    StringOf,
    Value,
    numbers_alone,
    rows_of_values,
    strings_by_code,
    value_fault,
)
from relearn.schemas.http.predict import Row
from relearn.schemas.http.problems import FieldFault
from relearn.schemas.model.linear_svm import Floats
from relearn.schemas.text import first_few, text_fault


def matrix(rows: Sequence[Row], schema: FeatureSchema) -> tuple[Floats, StringOf]:
    """(n, d) float64, rows of `schema` (`schemas.features`), and the string of each code in them.

    Args:
        rows: n ≥ 1 records: d values by position, or an object by feature name.
        schema: their features.

    Raises:
        ProblemError: a row has other features, or a value that its feature can't have.
    """
    checked, numbers = _checked(rows, schema)
    if numbers is not None:
        return numbers, NO_STRINGS
    found, strings = rows_of_values(checked, schema)
    return found, strings_by_code(strings)


def values(rows: Sequence[Row], schema: FeatureSchema) -> list[list[Value]]:
    """The values of each record in the order of the schema. Arguments and errors as those of `matrix`."""
    return _checked(rows, schema)[0]


def _checked(rows: Sequence[Row], schema: FeatureSchema) -> tuple[list[list[Value]], Floats | None]:
    """The values; and (n, d) where the check has made it, as it does of numbers alone."""
    d = len(schema)
    given: Sequence[Row] = rows
    if not all(type(row) is list and len(row) == d for row in rows):
        faults = [found for i, row in enumerate(rows) if (found := _fault(row, i, schema)) is not None]
        if faults:
            raise invalid_fields(faults)
        given = [row if isinstance(row, list) else [row.get(name) for name in schema.names] for row in rows]
    numbers = _finite_numbers(given) if schema.plain else None
    if numbers is None:
        wrong = [
            FieldFault(_place(rows[i], i, j, value), fault)
            for i, row in enumerate(given)
            for j, (value, feature) in enumerate(zip(row, schema.features, strict=True))
            if (fault := _value_fault(value, feature)) is not None
        ]
        if wrong:
            raise invalid_fields(wrong)
    return [*given], numbers  # type: ignore[list-item]


def _finite_numbers(given: Sequence[Row]) -> Floats | None:
    """(n, d), where all values are finite numbers. By their types first: an array with one text holds all as texts."""
    if not set(map(type, chain.from_iterable(given))) <= {float}:
        return None
    found: Floats = np.array(given, dtype=np.float64)
    return found if np.isfinite(found).all() else None


def _place(row: Row, i: int, j: int, value: Value) -> str:
    """Where a value stands. One that isn't finite is of its record: it is a number, as it should be."""
    return f"features[{i}]" if isinstance(row, dict) or isinstance(value, float) else f"features[{i}][{j}]"


def _value_fault(value: Value, feature: Feature) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return f"{feature.name}: not a finite number"
    return value_fault(value, feature)


def check_margins(margins: Floats) -> None:
    """Check (n, 1 or k) margins of n records: JSON can't hold non-finite ones, and workers reject such records too.

    Raises:
        ProblemError: names the records with a non-finite margin.
    """
    wrong = np.flatnonzero(~np.isfinite(margins).all(axis=1)).tolist()
    if wrong:
        raise invalid_fields([FieldFault(f"features[{i}]", "its margin is larger than any float64") for i in wrong])


def values_without_schema(rows: Sequence[Row]) -> tuple[list[list[Value]], list[str] | None]:
    """As `values`, before there is a schema: all rows must have the first row's features. Returns their names, if any.

    Raises:
        ProblemError: a row differs from the first, has no features, or a number that isn't finite.
    """
    first = rows[0]
    named = isinstance(first, dict)
    names = list(first) if isinstance(first, dict) else [f"number {j}" for j in range(len(first))]
    faults = [
        FieldFault("features[0]", f"the name {name[:40]!r} {text_fault(name)}") for name in names if text_fault(name)
    ]
    if not names:
        faults = [FieldFault("features[0]", "has no features")]
    strict = numbers_alone(names)
    for i, row in enumerate(rows):
        if isinstance(row, dict) != named or len(row) != len(names):
            faults.append(FieldFault(f"features[{i}]", "isn't of the first record's form"))
        elif (found := _fault(row, i, strict)) is not None:
            faults.append(found)
    if faults:
        raise invalid_fields(faults)
    given = zip(*([row.get(name) for name in names] if isinstance(row, dict) else row for row in rows), strict=True)
    # Whether a string is a level or a text isn't known yet: a text may be longer.
    kinds: list[Kind] = ["text" if any(isinstance(one, str) for one in column) else "number" for column in given]
    return values(rows, FeatureSchema(tuple(map(Feature, names, kinds, repeat(True))))), names if named else None


def _fault(row: Row, i: int, schema: FeatureSchema) -> FieldFault | None:
    if isinstance(row, list):
        if len(row) == len(schema):
            return None
        return FieldFault(f"features[{i}]", f"{len(row)} values; the schema has {len(schema)} features")
    missing = [one.name for one in schema.features if one.name not in row and not one.missing]
    unknown = sorted(row.keys() - schema.known)
    if missing:
        return FieldFault(f"features[{i}]", f"{first_few(missing)}: missing")
    return FieldFault(f"features[{i}]", f"{first_few(unknown)}: no such feature") if unknown else None
