"""Parquet files by pyarrow, which is optional: the extra `parquet`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from relearn.schemas.errors import BadFile
from relearn.scripts.extras import import_extra
from relearn.scripts.tables.csv import Table, read_rows
from relearn.scripts.tables.csv_rows import Row
from relearn.scripts.tables.table_options import TableOptions

SUFFIXES = (".parquet", ".pq")
_BATCH_CELLS = 250_000
_MODULES = ("pyarrow", "pyarrow.parquet")


def pyarrow() -> Any:
    """The package, with `pyarrow.parquet`.

    Raises:
        SetupError: it isn't installed; the message has the command that installs it.
    """
    found, _ = (import_extra(module, "parquet", "Parquet files need pyarrow") for module in _MODULES)
    return found


def read_parquet(path: str, label: str | None, options: TableOptions) -> Table:
    """A Parquet file, read as a CSV file with the same values is. In messages the first row is line 2.

    Raises:
        BadFile: the file can't be read or used, and where.
        SetupError: pyarrow isn't installed.
    """
    arrow = pyarrow()
    if Path(path).exists() and not Path(path).is_file():
        raise BadFile(path, "not a file")
    try:
        with arrow.parquet.ParquetFile(path) as file:
            return read_rows(path, lambda: _rows(path, file), label, options, named=True)
    except (arrow.ArrowException, OSError) as exc:
        raise BadFile(path, f"can't be read as Parquet: {' '.join(str(exc).split())[:300]}") from exc


def _rows(path: str, file: Any) -> Iterator[Row]:
    names = list(file.schema_arrow.names)
    yield 1, names
    line = 1
    for batch in file.iter_batches(batch_size=max(1, _BATCH_CELLS // max(1, len(names)))):
        columns = [column.to_pylist() for column in batch.columns]
        for values in zip(*columns, strict=True):
            line += 1
            yield line, [_cell(path, line, names[i], value) for i, value in enumerate(values)]


def _cell(path: str, line: int, name: str, value: Any) -> str:
    """A value as the cell of a CSV file."""
    match value:
        case None:
            return ""
        case str():
            return value.strip()
        case bool() | int() | Decimal():
            return str(value)
        case float():
            return "" if value != value else repr(value)  # noqa: PLR0124 - NaN: pandas' missing value
        case datetime() | date():
            return value.isoformat()
    raise BadFile(path, f"a {type(value).__name__}, which is neither text nor a number", line, name)
