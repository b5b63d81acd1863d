"""What a worker has in hand, noted in a file that outlives the process, however the process ends.

Each chunk is noted before it is handled and struck out afterwards: some bytes in shared memory, without a system call.
The process that starts next in the directory finds the notes of one that was killed.
"""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import struct
import uuid
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from relearn.schemas.messages.records import RawMessage

_NAME = "in-hand."
_SLOTS = 32
_SLOT_BYTES = 16 * 1024
#: Of the file: whether its marks are excused. Of each slot: size and checksum of its text; size 0: nothing in hand.
_HEAD_BYTES = 4096
_SLOT = struct.Struct("<II")


class Span(NamedTuple):
    """Messages of one partition: from offset `first` to before `end`."""

    topic: str
    topic_id: str
    partition: int
    first: int
    end: int


class LeftBehind(NamedTuple):
    """The file of a process that has ended, and what it had in hand: nothing if the end has a known other cause."""

    path: Path
    spans: Sequence[Span]


@dataclass(slots=True)
class Note:
    """Messages in hand. Repeated strikes change nothing."""

    notes: InHand
    slot: int | None

    def strike_out(self) -> None:
        """These messages are not in hand any more, or the process only waits with them."""
        if self.slot is not None:
            self.notes.strike_out(self.slot)
            self.slot = None


class InHand:
    """The notes of this process. One file per process, locked while the process lives."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / f"{_NAME}{uuid.uuid4().hex}"
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(self._fd, _HEAD_BYTES + _SLOTS * _SLOT_BYTES)
        self._memory = mmap.mmap(self._fd, 0)
        self._free = list(range(_SLOTS))
        self._excuses = 0

    def note(self, spans: Iterable[Span]) -> Note:
        """Note these messages; nothing is noted if the file has no room."""
        text = json.dumps(list(spans)).encode()
        if not self._free or len(text) > _SLOT_BYTES - _SLOT.size:
            return Note(self, None)
        slot = self._free.pop()
        start = _HEAD_BYTES + slot * _SLOT_BYTES
        self._memory[start + _SLOT.size : start + _SLOT.size + len(text)] = text
        self._memory[start : start + _SLOT.size] = _SLOT.pack(len(text), zlib.crc32(text))
        return Note(self, slot)

    def strike_out(self, slot: int) -> None:
        """Called by the note in this slot."""
        start = _HEAD_BYTES + slot * _SLOT_BYTES
        self._memory[start : start + _SLOT.size] = bytes(_SLOT.size)
        self._free.append(slot)

    @contextmanager
    def excused(self) -> Iterator[None]:
        """While the block runs, the end of the process has another cause than the messages: it waits."""
        self.excuse()
        try:
            yield
        finally:
            self._excuses -= 1
            self._memory[0] = min(self._excuses, 255)

    def excuse(self) -> None:
        """From now on the end of the process has another cause than the messages."""
        self._excuses += 1
        self._memory[0] = min(self._excuses, 255)


def left_behind(directory: Path) -> list[LeftBehind]:
    """The notes of the processes of this directory that have ended."""
    found = []
    for path in sorted(directory.glob(f"{_NAME}*")):
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # its process lives
            found.append(LeftBehind(path, _read(file.read())))
    return found


def _read(data: bytes) -> list[Span]:
    if not data or data[0]:
        return []
    spans = []
    for start in range(_HEAD_BYTES, len(data), _SLOT_BYTES):
        size, checksum = _SLOT.unpack_from(data, start)
        text = data[start + _SLOT.size : start + _SLOT.size + size]
        if size and zlib.crc32(text) == checksum:
            spans += [Span(*row) for row in json.loads(text)]
    return spans


def spans_of(topic_id: str, records: Sequence[RawMessage]) -> list[Span]:
    """The spans of a chunk's messages, which are in order partition by partition. Few steps per partition."""
    spans, start = [], 0
    while start < len(records):
        first = records[start]
        low, high = start + 1, len(records)
        while low < high:
            middle = (low + high) // 2
            if records[middle].partition == first.partition:
                low = middle + 1
            else:
                high = middle
        spans.append(Span(first.topic, topic_id, first.partition, first.offset, records[low - 1].offset + 1))
        start = low
    return spans
