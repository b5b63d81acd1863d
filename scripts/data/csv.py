"""Reads a CSV file as numbers and labels; each error names the file, the line and the column.

Comma, semicolon or tab; UTF-8 with or without a byte order mark; fields may be quoted; blank lines are skipped. The
first line is a header when none of its cells is a number, or when one of them is the label's name.
"""

from __future__ import annotations

import csv
import math
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from relearn.schemas.errors import BadFile, BadMessage
from relearn.schemas.labels import LabelSpellings
from relearn.schemas.text import text_fault

LINE_MAX = 16 * 1024 * 1024
FIELD_MAX = 128 * 1024
#: Rows that decide on delimiter and header.
LOOKED_AT = 50
# In this order where several fit: a file with semicolons may have decimal commas, one with commas seldom semicolons.
DELIMITERS = ("\t", ";", ",")

Row = tuple[int, list[str]]


@dataclass(frozen=True)
class Table:
    """A CSV file's contents. features: (n, d) float64, finite. `label_column` is its number and name, for messages."""

    feature_names: tuple[str, ...]
    features: NDArray[np.float64]
    labels: tuple[str, ...] | None
    label_column: str | None


@dataclass(frozen=True)
class _Columns:
    """The columns. `label` counts from 0; without a header the names are x1 … xd."""

    path: str
    names: tuple[str, ...]
    header: bool
    label: int | None

    def shown(self, index: int) -> str:
        """A column for messages: its number, and its name if the file has names."""
        return f"{index + 1} ({self.names[index]})" if self.header and index < len(self.names) else str(index + 1)


def read_csv(path: str, label: str | None = None) -> Table:
    """All of the file. `label` is the label column's name or its number from 1; None: every column is a feature.

    Raises:
        BadFile: the file can't be read or used, and where.
    """
    try:
        if Path(path).exists() and not Path(path).is_file():
            raise BadFile(path, "not a file")
        with Path(path).open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            return _read(path, file, label)
    except FileNotFoundError as exc:
        raise BadFile(path, "no such file") from exc
    except (OSError, ValueError) as exc:  # ValueError: a path with a NUL
        raise BadFile(path, f"can't be read: {getattr(exc, 'strerror', None) or exc}") from exc


def _read(path: str, file: TextIO, label: str | None) -> Table:
    delimiter = _delimiter(path, file)
    file.seek(0)
    rows = _rows(path, file, delimiter)
    looked_at = list(islice(rows, LOOKED_AT))
    if not looked_at:
        raise BadFile(path, "is empty")
    columns = _columns(path, looked_at, label)
    data = chain(looked_at[1:] if columns.header else looked_at, rows)
    numbers, labels, spellings = array("d"), list[str](), LabelSpellings()
    kept = [i for i in range(len(columns.names)) if i != columns.label]
    for line, cells in data:
        if len(cells) != len(columns.names):
            raise _ragged(columns, line, cells)
        numbers.extend([_number(columns, line, i, cells[i]) for i in kept])
        if columns.label is not None:
            labels.append(_label(columns, line, cells[columns.label], spellings))
    features = np.array(numbers, dtype=np.float64).reshape(-1, len(kept))
    if not len(features):
        raise BadFile(path, "has a header and no rows", line=looked_at[0][0])
    names = tuple(columns.names[i] for i in kept)
    if columns.label is None:
        return Table(names, features, None, None)
    return Table(names, features, tuple(labels), columns.shown(columns.label))


def _columns(path: str, rows: Sequence[Row], label: str | None) -> _Columns:
    line, first = rows[0]
    header = _is_header(rows, label)
    names = tuple(first) if header else tuple(f"x{i + 1}" for i in range(len(first)))
    columns = _Columns(path, names, header, None)
    if header:
        _check_names(columns, line)
    if label is None:
        return columns
    wanted = label.strip()
    index = int(wanted) - 1 if _is_whole(wanted) else names.index(wanted) if wanted in names else -1
    if not 0 <= index < len(names):
        without = "" if header else "; line 1 holds numbers, so it is no header"
        raise BadFile(path, f"there is no column {wanted!r}; there are {_listed(names)}{without}", line=line)
    if len(names) == 1:
        raise BadFile(path, "there is no column beside the label", line=line, column=columns.shown(index))
    return _Columns(path, names, header, index)


def _is_header(rows: Sequence[Row], label: str | None) -> bool:
    first = rows[0][1]
    if not any(_is_number(cell) for cell in first) or (label and not _is_whole(label) and label.strip() in first):
        return True
    if label is None or not _is_whole(label) or len(rows) < 2:
        return False
    # Names may be numbers (label,0,1,2,…): then the label column decides.
    index, second = int(label) - 1, rows[1][1]
    in_both = 0 <= index < min(len(first), len(second))
    return in_both and not _is_number(first[index]) and _is_number(second[index])


def _check_names(columns: _Columns, line: int) -> None:
    for index, name in enumerate(columns.names):
        if not name:
            raise BadFile(columns.path, "has no name; give it one or leave it out", line, index + 1)
        if fault := text_fault(name):
            raise BadFile(columns.path, f"its name {fault}", line, index + 1)
        if name in columns.names[:index]:
            before = columns.names.index(name) + 1
            raise BadFile(columns.path, f"column {before} has the same name", line, columns.shown(index))


def _number(columns: _Columns, line: int, index: int, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = None
    if value is None or "_" in cell:
        raise BadFile(columns.path, _no_number(columns, cell), line, columns.shown(index))
    if not math.isfinite(value):
        raise BadFile(columns.path, f"{cell!r} isn't a finite number", line, columns.shown(index))
    return value


def _no_number(columns: _Columns, cell: str) -> str:
    if not cell:
        return "empty where a number belongs"
    fault = f"{cell[:60]!r} where a number belongs"
    if _is_number(cell.replace(",", ".", 1)):
        return fault + "; write decimals with a point"
    return fault + ("; if this column is the label, name it with --label" if columns.label is None else "")


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


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _is_whole(text: str) -> bool:
    digits = text.strip().removeprefix("-")
    return digits.isascii() and digits.isdigit()


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:8])
    return shown + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _lines(path: str, file: TextIO) -> Iterator[str]:
    number = 0
    while line := file.readline(LINE_MAX + 1):
        number += 1
        if len(line) > LINE_MAX:
            raise BadFile(path, f"longer than {LINE_MAX} characters; is this a CSV file?", line=number)
        if not line.isascii():
            strange = next((i for i, char in enumerate(line) if "\udc80" <= char <= "\udcff"), None)
            if strange is not None:
                what = f"byte 0x{ord(line[strange]) - 0xDC00:02x} at character {strange + 1}"
                raise BadFile(path, f"{what} isn't UTF-8; save the file as UTF-8", line=number)
        if "\0" in line:
            raise BadFile(path, "a NUL byte; is this a text file?", line=number)
        yield line


def _rows(path: str, file: TextIO, delimiter: str) -> Iterator[Row]:
    """The rows that aren't blank, each with the number of its first line."""
    csv.field_size_limit(FIELD_MAX)
    reader = csv.reader(_lines(path, file), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as exc:
            raise BadFile(path, f"not CSV: {exc}", line=line) from exc
        if any(cells):
            yield line, cells


def _delimiter(path: str, file: TextIO) -> str:
    """The one by which most of the first rows have the same number of cells, and more than one."""

    def agreement(delimiter: str) -> int:
        file.seek(0)
        widths: Counter[int] = Counter()
        with suppress(BadFile):  # reading the file raises it again
            widths.update(len(cells) for _, cells in islice(_rows(path, file, delimiter), LOOKED_AT))
        width, rows = max(widths.items(), key=lambda item: item[1], default=(0, 0))
        return rows if width > 1 else 0

    found = {delimiter: agreement(delimiter) for delimiter in DELIMITERS}
    return max(DELIMITERS, key=lambda delimiter: found[delimiter]) if any(found.values()) else ","
