"""Reads a CSV file as features and labels; each error names the file, the line and the column.

The first line of a CSV file is a header when none of its cells is a number, or when one of them is the label's name.
With a header the columns `id`, `subject`, `batch` and `context` accompany the records. An empty cell is a missing
value; which columns are numbers and which categories: `kinds`. Rows of another format are read alike (`read_rows`).
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from relearn.schemas.errors import BadFile, BadMessage
from relearn.schemas.features import Feature, FeatureSchema, Kind, Strings, codes_of, limit_bytes
from relearn.schemas.labels import LabelSpellings
from relearn.schemas.text import MAX_CONTEXT_BYTES, MAX_TEXT_BYTES, text_fault
from relearn.scripts.tables.csv_rows import LOOKED_AT, Row, delimiter_of, is_whole, listed, rows_of
from relearn.scripts.tables.kinds import KindFault, infer_kinds
from relearn.scripts.tables.table_options import ACCOMPANYING, TableOptions

_DEFAULT = TableOptions()


@dataclass(frozen=True)
class Table:
    """A file's contents. features: (n, d) float64, rows of `schema`; strings: the categories of each, if any.

    `label_column` is its number and name, for messages.
    `beside`: of the columns that accompany the records those that the file has, n texts each.
    """

    schema: FeatureSchema
    features: NDArray[np.float64]
    labels: tuple[str, ...] | None
    label_column: str | None
    beside: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)
    strings: tuple[Strings, ...] = ()


@dataclass(frozen=True)
class _Columns:
    """The columns, counted from 0: the label, those that accompany, those left out. Without a header: x1 … xd.

    line: of the first row.
    """

    path: str
    names: tuple[str, ...]
    header: bool
    label: int | None = None
    beside: Mapping[str, int] = field(default_factory=dict)
    dropped: frozenset[int] = frozenset()
    options: TableOptions = _DEFAULT
    line: int = 1

    @property
    def features(self) -> list[int]:
        """All the others."""
        others = {self.label, *self.beside.values(), *self.dropped}
        return [i for i in range(len(self.names)) if i not in others]

    def shown(self, index: int) -> str:
        """A column for messages: its number, and its name if the file has names."""
        return f"{index + 1} ({self.names[index]})" if self.header and index < len(self.names) else str(index + 1)


def read_csv(path: str, label: str | None = None, options: TableOptions = _DEFAULT) -> Table:
    """All of the file. `label` is the label column's name or its number from 1; None: the file has no labels.

    Raises:
        BadFile: the file can't be read or used, and where.
    """
    try:
        if Path(path).exists() and not Path(path).is_file():
            raise BadFile(path, "not a file")
        with Path(path).open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            delimiter = delimiter_of(path, file)

            def rows() -> Iterator[Row]:
                file.seek(0)
                return rows_of(path, file, delimiter)

            return read_rows(path, rows, label, options)
    except FileNotFoundError as exc:
        raise BadFile(path, "no such file") from exc
    except (OSError, ValueError) as exc:  # ValueError: a path with a NUL
        raise BadFile(path, f"can't be read: {getattr(exc, 'strerror', None) or exc}") from exc


def read_rows(
    path: str, rows: Callable[[], Iterator[Row]], label: str | None, options: TableOptions, *, named: bool = False
) -> Table:
    """The table in rows of cells, which are read again for the kinds of the columns where not all others are numbers.

    `named`: the first row has the columns' names. Raises as `read_csv`.
    """
    looked_at = list(islice(rows(), LOOKED_AT))
    if not looked_at:
        raise BadFile(path, "is empty")
    columns = _columns(path, looked_at, label, options, named=named)

    def data() -> Iterator[Row]:
        for line, cells in islice(rows(), int(columns.header), None):
            if len(cells) != len(columns.names):
                raise _ragged(columns, line, cells)
            yield line, cells

    table = _all_numbers(columns, data)
    return _table(columns, data, _schema(columns, data)) if table is None else table


def _all_numbers(columns: _Columns, data: Callable[[], Iterator[Row]]) -> Table | None:
    """The table, if the columns of no known kind are numbers. None: they aren't, or there is another fault."""
    kinds = _known_kinds(columns)
    names = (columns.names[i] for i in columns.features)
    try:
        table = _table(columns, data, FeatureSchema(tuple(Feature(name, kinds.get(name, "number")) for name in names)))
    except BadFile:
        return None
    return None if np.isnan(table.features).all(axis=0).any() else table


def _table(columns: _Columns, data: Callable[[], Iterator[Row]], schema: FeatureSchema) -> Table:
    places = columns.features
    numbers = [places[i] for i in schema.numbers]
    words = [(places[i], limit_bytes(schema.features[i])) for i in schema.strings]
    values, strings, labels, spellings = array("d"), list[Strings](), list[str](), LabelSpellings()
    beside: dict[str, list[str | None]] = {name: [] for name in columns.beside}
    for line, cells in data():
        values.extend([_number(columns, line, i, cells[i]) for i in numbers])
        if words:
            strings.append([_string(columns, line, i, cells[i], limit) for i, limit in words])
            values.extend(codes_of(strings[-1]))
        if columns.label is not None:
            labels.append(_label(columns, line, cells[columns.label], spellings))
        for name, i in columns.beside.items():
            beside[name].append(_text(columns, line, i, cells[i]))
    features = np.array(values, dtype=np.float64).reshape(-1, len(schema))
    if not len(features):
        raise BadFile(columns.path, "has a header and no rows", line=columns.line)
    schema = _with_gaps(schema, features)
    texts = {name: tuple(found) for name, found in beside.items()}
    if columns.label is None:
        return Table(schema, features, None, None, texts, tuple(strings))
    return Table(schema, features, tuple(labels), columns.shown(columns.label), texts, tuple(strings))


def _schema(columns: _Columns, data: Callable[[], Iterator[Row]]) -> FeatureSchema:
    """The features in the file, by the kinds that are known, and for the others by all of their values."""
    kinds, names = _known_kinds(columns), {i: columns.names[i] for i in columns.features}
    unknown = [i for i, name in names.items() if name not in kinds]
    try:
        found = infer_kinds(data(), unknown, columns.options)
    except KindFault as exc:
        detail = str(exc) or _no_number(columns, exc.cell)
        raise BadFile(columns.path, detail, exc.line, columns.shown(exc.column)) from exc
    kinds |= {names[i]: kind for i, kind in zip(unknown, found, strict=True)}
    return FeatureSchema(tuple(Feature(name, kinds[name]) for name in names.values()))


def _known_kinds(columns: _Columns) -> dict[str, Kind]:
    """The kinds that need not be inferred, by name."""
    there = [columns.names[i] for i in columns.features]
    if strange := [name for name in columns.options.kinds if name not in there]:
        raise BadFile(columns.path, f"there is no column {strange[0]!r} to be of a kind; there are {listed(there)}")
    return columns.options.known_kinds


def _with_gaps(schema: FeatureSchema, features: NDArray[np.float64]) -> FeatureSchema:
    """The schema, with the features of which a value is missing marked so."""
    missing = {schema.row_names[i] for i in np.flatnonzero(np.isnan(features).any(axis=0)).tolist()}
    return FeatureSchema(tuple(one._replace(missing=one.name in missing) for one in schema.features))


def _columns(path: str, rows: Sequence[Row], label: str | None, options: TableOptions, *, named: bool) -> _Columns:
    line, first = rows[0]
    header = named or _is_header(rows, label, options)
    names = tuple(first) if header else tuple(f"x{i + 1}" for i in range(len(first)))
    columns = _Columns(path, names, header, options=options, line=line)
    if header:
        _check_names(columns, line)
    dropped = frozenset(_place(columns, line, one) for one in options.drop)
    index = None if label is None else _place(columns, line, label)
    if index in dropped:
        raise BadFile(path, "is the label, so it can't be left out", line, columns.shown(index or 0))
    beside = {name: names.index(name) for name in ACCOMPANYING if header and name in names}
    beside = {name: i for name, i in beside.items() if i != index and i not in dropped}
    columns = replace(columns, label=index, beside=beside, dropped=dropped)
    if not columns.features:
        others = [text for text, there in (("the label", index is not None), ("others", dropped or beside)) if there]
        text = f"there is no column of features beside {' and '.join(others)}"
        raise BadFile(path, text, line=line, column=None if index is None else columns.shown(index))
    return columns


def _place(columns: _Columns, line: int, wanted: str) -> int:
    """The column of this name, or of this number from 1."""
    wanted, names = wanted.strip(), columns.names
    index = int(wanted) - 1 if is_whole(wanted) else names.index(wanted) if wanted in names else -1
    if not 0 <= index < len(names):
        without = "" if columns.header else "; line 1 holds numbers, so it is no header"
        raise BadFile(columns.path, f"there is no column {wanted!r}; there are {listed(names)}{without}", line=line)
    return index


def _is_header(rows: Sequence[Row], label: str | None, options: TableOptions) -> bool:
    first = rows[0][1]
    if all(options.number(cell) is None for cell in first):
        return True
    if label and not is_whole(label) and label.strip() in first:
        return True
    if label is None or not is_whole(label) or len(rows) < 2:
        return False
    # Names may be numbers (label,0,1,2,…): then the label column decides.
    index, second = int(label) - 1, rows[1][1]
    in_both = 0 <= index < min(len(first), len(second))
    return in_both and options.number(first[index]) is None and options.number(second[index]) is not None


def _check_names(columns: _Columns, line: int) -> None:
    places: dict[str, int] = {}
    for index, name in enumerate(columns.names):
        if not name:
            raise BadFile(columns.path, "has no name; give it one or leave it out", line, index + 1)
        if fault := text_fault(name):
            raise BadFile(columns.path, f"its name {fault}", line, index + 1)
        before = places.setdefault(name, index)
        if before != index:
            raise BadFile(columns.path, f"column {before + 1} has the same name", line, columns.shown(index))


def _number(columns: _Columns, line: int, index: int, cell: str) -> float:
    """A number, NaN where it is missing."""
    if columns.options.is_missing(cell):
        return math.nan
    value = columns.options.number(cell)
    if value is None:
        raise BadFile(columns.path, _no_number(columns, cell), line, columns.shown(index))
    if not math.isfinite(value):
        fault = f"{cell!r} isn't a finite number; if it means that there is none, say --missing {cell}"
        raise BadFile(columns.path, fault, line, columns.shown(index))
    return value


def _string(columns: _Columns, line: int, index: int, cell: str, limit: int) -> str | None:
    """A category's level or a text, None where it is missing."""
    if columns.options.is_missing(cell):
        return None
    if fault := text_fault(cell, limit):
        raise BadFile(
            columns.path, f"a value that {fault}; leave the column out with --drop", line, columns.shown(index)
        )
    return cell


def _no_number(columns: _Columns, cell: str) -> str:
    fault = f"{cell[:60]!r} where a number belongs"
    if remedy := columns.options.remedy(cell):
        return f"{fault}; {remedy}"
    label = "if this column is the label, name it with --label; " if columns.label is None else ""
    others = "if the cell means that there is none, name it with --missing; if the column is a category, with --kinds"
    return f"{fault}; {label}{others}; or leave the column out with --drop"


def _text(columns: _Columns, line: int, index: int, cell: str) -> str | None:
    limit = MAX_CONTEXT_BYTES if columns.names[index] == "context" else MAX_TEXT_BYTES
    if fault := text_fault(cell, limit):
        raise BadFile(columns.path, f"it {fault}", line, columns.shown(index))
    return cell or None


def _label(columns: _Columns, line: int, cell: str, spellings: LabelSpellings) -> str:
    def bad(detail: str) -> BadFile:
        return BadFile(columns.path, detail, line, columns.shown(columns.label or 0))

    if not cell:
        raise bad("empty where a label belongs")
    try:
        return spellings.read(cell)
    except BadMessage as exc:
        raise bad(exc.detail) from exc


def _ragged(columns: _Columns, line: int, cells: Sequence[str]) -> BadFile:
    width = len(columns.names)
    said = f"{len(cells)} fields, where line 1 has {width}" if columns.header else f"{len(cells)} fields, not {width}"
    return BadFile(columns.path, said, line, columns.shown(min(len(cells), width)))
