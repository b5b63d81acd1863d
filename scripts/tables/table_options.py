"""How a table is read, whatever its format: the columns that are no features, and how numbers are written. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from relearn.schemas.features import FeatureSchema, Kind

#: Columns that accompany a record and are no features.
ACCOMPANYING = ("id", "subject", "batch", "context")

_GROUPED = re.compile(r"[+-]?\d{1,3}(?:([.,'\u2019 \u00a0\u202f])\d{3})(?:\1\d{3})*([.,]\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")


@dataclass(frozen=True)
class TableOptions:
    """`drop`: columns to leave out, by name or number. `decimal_comma`: numbers are written as 1,5.

    `missing`: what means a missing value, beside an empty cell. `kinds`: of columns by name; the others' are those of
    `schema`, or inferred from their values.
    """

    drop: Collection[str] = ()
    decimal_comma: bool = False
    missing: Collection[str] = ()
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    schema: FeatureSchema | None = None

    @property
    def known_kinds(self) -> dict[str, Kind]:
        """The kinds that need not be inferred, by name."""
        known = {} if self.schema is None else {one.name: one.kind for one in self.schema.features}
        return {**known, **self.kinds}

    def is_missing(self, cell: str) -> bool:
        """Whether a cell means that its value is missing."""
        return not cell or cell in self.missing

    def number(self, cell: str) -> float | None:
        """The number in a cell, perhaps not a finite one; None where it is none."""
        if "_" in cell or (self.decimal_comma and "." in cell):
            return None
        try:
            return float(cell.replace(",", ".", 1) if self.decimal_comma else cell)
        except ValueError:
            return None

    def remedy(self, cell: str) -> str:
        """What to do about a cell that is no number; empty where nothing is known of it."""
        if self.decimal_comma and "." in cell and TableOptions().number(cell.replace(",", "")) is not None:
            return "with --decimal-comma no number has a point; write it without thousands separators"
        if self.decimal_comma and _GROUPED.fullmatch(cell):
            return "write it without thousands separators"
        if _DECIMAL_COMMA.fullmatch(cell):
            grouped = ", and leave thousands separators out" if _GROUPED.fullmatch(cell) else ""
            return f"write decimals with a point, or give --decimal-comma{grouped}"
        return "write it without thousands separators" if _GROUPED.fullmatch(cell) else ""
