"""Which kind of feature a table's columns are: given, or inferred from their values."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from relearn.schemas.errors import BadFile, BadMessage
from relearn.schemas.features import KINDS, Feature, FeatureSchema, Kind, read_kind
from relearn.schemas.text import first_few, text_fault
from relearn.scripts.tables.table_options import TableOptions

#: Where at least this share of a column's values are numbers, the others are mistakes.
MOSTLY = 0.5
#: Number of different values from which a column that has another one in every row is an id.
LEAST_IDS = 20
#: A column with more different values than this, and than half of its rows, is no category.
MOST_LEVELS = 1000
#: Where more than half of the values are different, they are texts from this number of words on, on average.
LEAST_WORDS = 3.0
#: Number of different values up to which they are counted.
LEVELS_COUNTED = 100_000


def read_kinds(path: str) -> dict[str, Kind]:
    """The kinds in a TOML file: `name = "number"`, "category" or "text", a line for each column.

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
    """What stands in a column. levels: the values that are no numbers, by their hash; words: how many they have.

    strange: the first of them, with its line. fault: why one of them can't be a level.
    """

    rows: int = 0
    numbers: int = 0
    missing: int = 0
    words: int = 0
    levels: set[int] = field(default_factory=set)
    strange: tuple[int, str] | None = None
    fault: str | None = None

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
        self.words += len(cell.split())
        self.fault = self.fault or text_fault(cell)
        if len(self.levels) < LEVELS_COUNTED:
            self.levels.add(hash(cell))

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
        different = distinct == LEVELS_COUNTED or distinct > texts / 2
        if different and distinct >= LEAST_IDS and self.words >= LEAST_WORDS * texts:
            return "text"
        if distinct == texts and distinct >= LEAST_IDS:
            raise ValueError("has another value in every row, as an id has; leave it out with --drop")
        if different and distinct > MOST_LEVELS:
            raise ValueError(
                f"has {distinct:,} different values of a word or two; say in a file for --kinds whether it is a"
                " category or a text, or leave it out with --drop"
            )
        if self.fault:
            raise ValueError(
                f"has a value that {self.fault}; say in a file for --kinds that it is a text, or --drop it"
            )
        return "category"


class KindFault(Exception):
    """A column is no feature: its number, and where one cell is at fault, line and cell."""

    def __init__(self, detail: str, column: int, line: int | None = None, cell: str = "") -> None:
        super().__init__(detail)
        self.column, self.line, self.cell = column, line, cell


def infer_kinds(rows: Iterable[tuple[int, Sequence[str]]], columns: Iterable[int], options: TableOptions) -> list[Kind]:
    """The kinds of these columns, by the cells of all `rows`, each with its line. Without rows they are numbers.

    Raises:
        KindFault: a column is none of the kinds.
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
    of = {kind: [one for one in schema.features if one.kind == kind] for kind in KINDS}
    parts = [f"{len(of['number'])} numbers"] if of["number"] else []
    parts += [f"{len(of['category'])} categories ({_listed(of['category'])})"] if of["category"] else []
    parts += [f"{len(of['text'])} texts ({_listed(of['text'])})"] if of["text"] else []
    gaps = [one for one in schema.features if one.missing]
    return ", ".join(parts) + (f"; may be missing: {_listed(gaps)}" if gaps else "")


def _listed(features: list[Feature]) -> str:
    return first_few([one.name for one in features], 8)
