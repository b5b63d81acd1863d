"""Records that came as JSON → an (n, d) array in the schema's order, or a failure that names row and feature."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from api.failures import Failure
from schemas.http.predict import Row
from schemas.http.problems import FieldFault
from schemas.model import Floats


def matrix(rows: Sequence[Row], names: Sequence[str]) -> Floats:
    """(n, d) float64, finite.

    Args:
        rows: n ≥ 1 records: d numbers by position, or an object by feature name.
        names: the d features in order.

    Raises:
        Failure: a row has other features, or a value that isn't finite.
    """
    d = len(names)
    faults = [fault for i, row in enumerate(rows) if (fault := _fault(row, i, names)) is not None]
    if faults:
        raise _refused(faults)
    given = [row if isinstance(row, list) else [row[name] for name in names] for row in rows]
    features = np.array(given, dtype=np.float64).reshape(len(rows), d)
    if np.isfinite(features).all():
        return features
    wrong = [(int(i), names[int(j)]) for i, j in np.argwhere(~np.isfinite(features))]
    raise _refused([FieldFault(f"features[{i}]", f"{name}: not a finite number") for i, name in wrong])


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


def _refused(faults: list[FieldFault]) -> Failure:
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return Failure("invalid", f"{faults[0].field}: {faults[0].detail}{more}", faults[:20])
