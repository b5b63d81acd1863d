"""Which kind of feature a table's columns are: given, or inferred from their values."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from relearn.schemas.errors import BadFile, BadMessage
from relearn.schemas.features import Feature, FeatureSchema, Kind, read_kind
from relearn.schemas.text import first_few, text_fault
from relearn.scripts.tables.table_options import TableOptions

#: Where at least this share of a column's values are numbers, the others are mistakes.
MOSTLY = 0.5
#: Number of different values from which a column that has another one in every row is an id.
LEAST_IDS = 20
#: A column with more different values than this, and than half of its rows, is free text.
MOST_LEVELS = 1000
#: Number of different values up to which they are counted.
LEVELS_COUNTED = 100_000


def read_kinds(path: str) -> dict[str, Kind]:
    """The kinds in a TOML file: `name = "number"` or `name = "category"`, a line for each column.

    Raises:
        BadFile: it can't be read, or a kind isn't one.
    """
    try:
        given = tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as exc:
        raise BadFile(path, f"can't be read as TOML: {getattr(exc, 'strerror', None) or exc}") from exc
    try:
        return {name: read_kind(str(kind)) for name, kind in given.items()}
    except BadMessage as exc:
        raise BadFile(path, exc.detail) from exc


@dataclass(slots=True)
class ColumnValues:
    """What stands in a column. levels: the values that are no numbers. strange: the first of them, with its line."""

    rows: int = 0
    numbers: int = 0
    missing: int = 0
    levels: set[str] = field(default_factory=set)
    strange: tuple[int, str] | None = None

    def add(self, line: int, cell: str, *, is_missing: bool, is_number: bool) -> None:
        """Count one cell."""
        self.rows += 1
        if is_missing:
            self.missing += 1
            return
        if is_number:
            self.numbers += 1
            return
        if self.strange is None:
            self.strange = line, cell
        if len(self.levels) < LEVELS_COUNTED:
            self.levels.add(cell)

    @property
    def mostly_numbers(self) -> bool:
        """Whether the values that are no numbers must be mistakes."""
        return self.numbers > 0 and self.numbers >= MOSTLY * (self.rows - self.missing)

    def kind(self) -> Kind:
        """The kind of feature that the column is.

        Raises:
            ValueError: it is none; the message is a sentence without its subject.
        """
        known = self.rows - self.missing
        if not known:
            raise ValueError("has no values; leave it out with --drop")
        if self.numbers == known:
            return "number"
        distinct, texts = len(self.levels), known - self.numbers
        if distinct == texts and distinct >= LEAST_IDS:
            raise ValueError("has another value in every row, as an id has; leave it out with --drop")
        if distinct == LEVELS_COUNTED or (distinct > MOST_LEVELS and distinct > texts / 2):
            raise ValueError("is free text, which can't be a feature; leave it out with --drop")
        if fault := next((fault for level in self.levels if (fault := text_fault(level))), None):
            raise ValueError(f"has a value that {fault}; leave it out with --drop")
        return "category"


class KindFault(Exception):
    """A column is no feature: its number, and where one cell is at fault, line and cell."""

    def __init__(self, detail: str, column: int, line: int | None = None, cell: str = "") -> None:
        super().__init__(detail)
        self.column, self.line, self.cell = column, line, cell


def infer_kinds(rows: Iterable[tuple[int, Sequence[str]]], columns: Iterable[int], options: TableOptions) -> list[Kind]:
    """The kinds of these columns, by the cells of all `rows`, each with its line. Without rows they are numbers.

    Raises:
        KindFault: a column is neither numbers nor a category.
    """
    found = {i: ColumnValues() for i in columns}
    for line, cells in rows if found else ():
        for i, values in found.items():
            cell = cells[i]
            is_number = options.number(cell) is not None
            values.add(line, cell, is_missing=options.is_missing(cell), is_number=is_number)
    kinds: list[Kind] = []
    for i, values in found.items():
        if values.strange is not None and (values.mostly_numbers or options.remedy(values.strange[1])):
            raise KindFault("", i, *values.strange)
        try:
            kinds.append(values.kind() if values.rows else "number")
        except ValueError as exc:
            raise KindFault(str(exc), i) from exc
    return kinds


def shown(schema: FeatureSchema) -> str:
    """The kinds of the features in a line for people."""
    names = {kind: [one for one in schema.features if one.kind == kind] for kind in ("number", "category")}
    parts = [f"{len(found)} {plural}" for found, plural in ((names["number"], "numbers"),) if found]
    if names["category"]:
        parts.append(f"{len(names['category'])} categories ({_listed(names['category'])})")
    gaps = [one for one in schema.features if one.missing]
    return ", ".join(parts) + (f"; may be missing: {_listed(gaps)}" if gaps else "")


def _listed(features: list[Feature]) -> str:
    return first_few([one.name for one in features], 8)
