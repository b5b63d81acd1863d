"""Records as JSON → an (n, d) array in the schema's order, or a problem that names row and feature."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from relearn.api.http.problems import invalid_fields
from relearn.schemas.http.predict import Row
from relearn.schemas.http.problems import FieldFault
from relearn.schemas.model.linear_svm import Floats
from relearn.schemas.text import text_fault


def matrix(rows: Sequence[Row], names: Sequence[str]) -> Floats:
    """(n, d) float64, finite.

    Args:
        rows: n ≥ 1 records: d numbers by position, or an object by feature name.
        names: the d features in order.

    Raises:
        ProblemError: a row has other features, or a value that isn't finite.
    """
    d = len(names)
    given: Sequence[Row] = rows
    if not all(type(row) is list and len(row) == d for row in rows):
        faults = [fault for i, row in enumerate(rows) if (fault := _fault(row, i, names)) is not None]
        if faults:
            raise invalid_fields(faults)
        given = [row if isinstance(row, list) else [row[name] for name in names] for row in rows]
    features = np.array(given, dtype=np.float64).reshape(len(rows), d)
    if np.isfinite(features).all():
        return features
    wrong = [(int(i), names[int(j)]) for i, j in np.argwhere(~np.isfinite(features))]
    raise invalid_fields([FieldFault(f"features[{i}]", f"{name}: not a finite number") for i, name in wrong])


def check_margins(margins: Floats) -> None:
    """Check (n, 1 or k) margins of n records: JSON can't hold non-finite ones, and workers reject such records too.

    Raises:
        ProblemError: names the records with a non-finite margin.
    """
    wrong = np.flatnonzero(~np.isfinite(margins).all(axis=1)).tolist()
    if wrong:
        raise invalid_fields([FieldFault(f"features[{i}]", "its margin is larger than any float64") for i in wrong])


def matrix_without_schema(rows: Sequence[Row]) -> tuple[Floats, list[str] | None]:
    """As `matrix`, before there is a schema: all rows must have the first row's features. Returns their names, if any.

    Raises:
        ProblemError: a row differs from the first, has no features, or a value that isn't finite.
    """
    first = rows[0]
    named = isinstance(first, dict)
    names = list(first) if isinstance(first, dict) else [f"number {j}" for j in range(len(first))]
    faults = [
        FieldFault("features[0]", f"the name {name[:40]!r} {text_fault(name)}") for name in names if text_fault(name)
    ]
    if not names:
        faults = [FieldFault("features[0]", "has no features")]
    for i, row in enumerate(rows):
        if isinstance(row, dict) != named or len(row) != len(names):
            faults.append(FieldFault(f"features[{i}]", "isn't of the first record's form"))
    if faults:
        raise invalid_fields(faults)
    return matrix(rows, names), names if named else None


def _fault(row: Row, i: int, names: Sequence[str]) -> FieldFault | None:
    if isinstance(row, list):
        if len(row) == len(names):
            return None
        return FieldFault(f"features[{i}]", f"{len(row)} numbers; the schema has {len(names)} features")
    missing, unknown = [name for name in names if name not in row], sorted(row.keys() - set(names))
    if missing:
        return FieldFault(f"features[{i}]", f"{_some(missing)}: missing")
    return FieldFault(f"features[{i}]", f"{_some(unknown)}: no such feature") if unknown else None


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
