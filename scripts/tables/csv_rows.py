"""The rows of a CSV file as cells: UTF-8 with or without a byte order mark, quotes, comma, semicolon or tab.

Blank lines are skipped, and so are blanks around a cell. Each error names the file and the line.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import TextIO

from relearn.schemas.errors import BadFile
from relearn.schemas.text import first_few

LINE_MAX = 16 * 1024 * 1024
FIELD_MAX = 128 * 1024
#: Rows that decide on delimiter and header.
LOOKED_AT = 50
# In this order where several fit: a file with semicolons may have decimal commas, one with commas seldom semicolons.
DELIMITERS = ("\t", ";", ",")

Row = tuple[int, list[str]]


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


def rows_of(path: str, file: TextIO, delimiter: str) -> Iterator[Row]:
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


def delimiter_of(path: str, file: TextIO) -> str:
    """The one by which most of the first rows have the same number of cells, and more than one."""

    def agreement(delimiter: str) -> int:
        file.seek(0)
        widths: Counter[int] = Counter()
        with suppress(BadFile):  # reading the file raises it again
            widths.update(len(cells) for _, cells in islice(rows_of(path, file, delimiter), LOOKED_AT))
        width, rows = max(widths.items(), key=lambda item: item[1], default=(0, 0))
        return rows if width > 1 else 0

    found = {delimiter: agreement(delimiter) for delimiter in DELIMITERS}
    return max(DELIMITERS, key=lambda delimiter: found[delimiter]) if any(found.values()) else ","


def listed(names: Sequence[str]) -> str:
    """Names for people, the first of many."""
    return first_few(names, 8, lambda name: repr(name[:60]))


def is_whole(text: str) -> bool:
    """Whether a text is a whole number."""
    digits = text.strip().removeprefix("-")
    return digits.isascii() and digits.isdigit()
