"""Rows written as CSV, newline-delimited JSON or Parquet, a page at a time.

What is written is read back alike, but for empty texts and blanks around them.

In CSV and Parquet the features stand behind our own columns, by their names; a feature that is called as one of those
gets `feature.` in front. In JSON they are a map of their own.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, BinaryIO, Protocol

from relearn.agents.stores.exports import Column, Features, Page, Record
from relearn.agents.stores.training.examples_writer import csv_names
from relearn.schemas.features import Value
from relearn.scripts.tables.parquet import pyarrow

FORMATS = ("csv", "ndjson", "parquet")


class TableWriter(Protocol):
    """Writes pages to a file. Each call has written all of it, or raises OSError."""

    def head(self) -> None:
        """What stands before the rows. Not where an earlier export is continued."""

    def page(self, page: Page) -> None:
        """The rows of one page."""

    def close(self) -> None:
        """What stands behind the rows."""


class CsvWriter:
    """A header, then a row for each record. What isn't there is empty; a list of numbers is one of JSON."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column], features: Features) -> None:
        self._file, self._columns = file, columns
        self._header = [column.name for column in columns] + csv_names(features.names, [one.name for one in columns])
        self._texts = [(i, column.kind) for i, column in enumerate(columns) if column.kind in {"time", "numbers"}]

    def head(self) -> None:
        """The header."""
        self._write([self._header])

    def page(self, page: Page) -> None:
        """The rows of one page."""
        self._write([self._cells(one) for one in page.records])

    def close(self) -> None:
        """Nothing stands behind the rows."""

    def _cells(self, record: Record) -> list[Any]:
        values = list(record.values)
        for i, kind in self._texts:
            if values[i] is not None:
                values[i] = values[i].isoformat() if kind == "time" else json.dumps(values[i])
        return [*values, *record.features]

    def _write(self, rows: Sequence[Sequence[Any]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        write_all(self._file, text.getvalue().encode())


class NdjsonWriter:
    """An object on a line for each record. What isn't there is null; a feature that isn't there is left out."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column], features: Features) -> None:
        self._file, self._names, self._features = file, [column.name for column in columns], features.names

    def head(self) -> None:
        """Nothing stands before the rows."""

    def page(self, page: Page) -> None:
        """The rows of one page."""
        lines = [json.dumps(self._fields(one), ensure_ascii=False, default=datetime.isoformat) for one in page.records]
        write_all(self._file, "".join(f"{line}\n" for line in lines).encode())

    def close(self) -> None:
        """Nothing stands behind the rows."""

    def _fields(self, record: Record) -> dict[str, Any]:
        known = zip(self._features, record.features, strict=True)
        features = {name: value for name, value in known if value is not None}
        return {**dict(zip(self._names, record.values, strict=True)), "features": features}


def _cell(value: Value, is_text: bool) -> Value:
    return str(value) if is_text and value is not None else value


class ParquetWriter:
    """A row group for each page."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column], features: Features) -> None:
        self._arrow = pa = pyarrow()
        kinds = {
            "text": pa.string(),
            "integer": pa.int64(),
            "number": pa.float64(),
            "numbers": pa.list_(pa.float64()),
            "time": pa.timestamp("us", tz="UTC"),
        }
        names = csv_names(features.names, [one.name for one in columns])
        fields = [(column.name, kinds[column.kind]) for column in columns] + [
            (name, pa.string() if feature in features.texts else pa.float64())
            for name, feature in zip(names, features.names, strict=True)
        ]
        self._schema = pa.schema(fields)
        self._texts = [name in features.texts for name in features.names]
        self._file = file
        self._writer = pa.parquet.ParquetWriter(file, self._schema, compression="zstd")

    def head(self) -> None:
        """A Parquet file's schema stands at its end."""

    def page(self, page: Page) -> None:
        """The rows of one page."""
        rows = [[*one.values, *map(_cell, one.features, self._texts)] for one in page.records]
        columns = [
            self._arrow.array(values, kind)
            for values, kind in zip(zip(*rows, strict=True), self._schema.types, strict=True)
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(columns, schema=self._schema))

    def close(self) -> None:
        """The schema and the places of the row groups: without them the file can't be read."""
        self._writer.close()
        self._file.flush()


WRITERS: dict[str, Any] = {"csv": CsvWriter, "ndjson": NdjsonWriter, "parquet": ParquetWriter}


def write_all(file: BinaryIO, content: bytes) -> None:
    """Write `content` and flush it, so that what was written of an interrupted export is known.

    Raises:
        OSError: no space is left, or the reader has ended.
    """
    file.write(content)
    file.flush()
