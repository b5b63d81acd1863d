"""Where an export is written to, and how far it is: stdout, or a file beside which a note keeps the cursor."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from relearn.schemas.errors import BadFile, Refused


class Output:
    """The destination of one export. `rows` and the cursor are of whole pages.

    Beside a file that is not complete, `FILE.cursor` records how many of its bytes are whole pages, and the cursor.
    """

    def __init__(self, path: Path | None, form: str) -> None:
        self.form = form
        self.rows = 0
        self._path = path
        self._note = None if path is None or form == "parquet" else Path(f"{path}.cursor")
        self._cursor: str | None = None
        self._kept_bytes: int | None = None
        self._file: BinaryIO | None = None

    @property
    def name(self) -> str:
        """The destination for messages."""
        return "stdout" if self._path is None else str(self._path)

    def continue_at(self) -> str:
        """The cursor of an export to this file that was stopped; what follows its whole pages will be cut off.

        Raises:
            Refused: there is none.
            BadFile: the note can't be read.
        """
        assert self._path is not None and self._note is not None
        try:
            note = json.loads(self._note.read_text())
            size = self._path.stat().st_size
            self._cursor, self._kept_bytes = str(note["after"]), int(note["bytes"])
        except FileNotFoundError as exc:
            complete = f"; {self._path} is complete" if self._path.exists() else ""
            raise Refused(f"there is no export to continue: {self._note} is missing{complete}") from exc
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise BadFile(str(self._note), f"can't be read: {exc}") from exc
        if note.get("format") != self.form or not 0 <= self._kept_bytes <= size:
            raise Refused(f"{self._path} isn't the {note.get('format')} file of {note['bytes']} bytes that was begun")
        return self._cursor

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """The file, while the block runs. After an error what follows the last whole page is cut off.

        Raises:
            BadFile: it can't be opened.
        """
        if self._path is None:
            yield sys.stdout.buffer
            return
        try:
            file = self._path.open("wb" if self._kept_bytes is None else "r+b")
        except OSError as exc:
            raise BadFile(str(self._path), f"can't be written: {exc.strerror or exc}") from exc
        if not self._path.is_file():
            self._note = None  # a device or a pipe
        with file:
            self._file = file
            if self._kept_bytes is not None:
                file.truncate(self._kept_bytes)
                file.seek(self._kept_bytes)
            try:
                yield file
            except OSError:
                if self._kept_bytes is not None:
                    with suppress(OSError):
                        file.truncate(self._kept_bytes)
                raise

    def written(self, rows: int, cursor: str) -> None:
        """A page is in the file."""
        self.rows += rows
        self._cursor = cursor
        if self._note is None or self._file is None or not self._file.seekable():
            return
        self._kept_bytes = self._file.tell()
        part = Path(f"{self._note}.part")
        part.write_text(json.dumps({"after": cursor, "bytes": self._kept_bytes, "format": self.form}))
        part.replace(self._note)

    def completed(self) -> None:
        """Nothing is left to be written."""
        if self._note is not None:
            self._note.unlink(missing_ok=True)

    def hint(self) -> str:
        """How the export is continued, for people."""
        if self._cursor is None:
            return ""
        by_file = self._note is not None and self._note.exists()
        return f"; --resume continues, or --after {self._cursor}" if by_file else f"; next: --after {self._cursor}"
