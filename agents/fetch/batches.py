"""Record batches of a fetch, read piece by piece: a batch never takes more memory than one run of its records.

aiokafka decompresses a whole batch and makes an object of each header before any size is known: a batch of 13 kB took
600 MB. Here a large batch is split into runs of records, each of which aiokafka's parser reads as a batch of its own.
A record that is too large or can't be parsed, and what lies behind the limit of its batch, is returned unread.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecord, DefaultRecordBatch
from aiokafka.record.legacy_records import LegacyRecordBatch

from relearn.agents.fetch.decompress import CantDecompress, unpacked
from relearn.agents.fetch.record_reader import RecordReader, TooMuch, slices, varint_bytes
from relearn.schemas.messages.dead_letter_cut import HEAD_BYTES, KEY_MAX_BYTES
from relearn.schemas.messages.records import Fault
from relearn.schemas.topics import DEAD_LETTER_MAX_BYTES, INGEST_MAX_BYTES

#: Batches up to this size, decompressed, are parsed as they are: their headers can't take more than 20 times as much.
SMALL_BYTES = 256 * 1024
#: Batches up to this size are decompressed as a whole, and by pieces above.
WHOLE_BYTES = 4 * 1024 * 1024
#: Maximum of one record, and of its headers.
RECORD_MAX_BYTES = DEAD_LETTER_MAX_BYTES
HEADERS_MAX = 1000
#: Maximum of a key that is read.
KEY_READ_MAX_BYTES = 1024 * 1024
#: A batch may expand to this, and by this factor.
EXPANDED_BYTES = 64 * 1024 * 1024
EXPANDED_TIMES = 100

_HEADER = struct.Struct(">qiibIhiqqqhii")
_LENGTH_AT, _MAGIC_AT, _ATTRIBUTES_AT, _COUNT_AT = 8, 16, 21, 57
#: Errors of aiokafka's parser. A header's name that isn't UTF-8 is the second.
INVALID = (CorruptRecordException, ValueError, IndexError, struct.error)
_INT32 = struct.Struct(">i")
_CODEC, _LOG_APPEND_TIME = 0x07, 0x08


class Unread(NamedTuple):
    """Why a record was not read as a whole. `size_bytes`, `sha256`: of its whole value, where they are known."""

    fault: Fault
    size_bytes: int | None = None
    sha256: bytes | None = None


@dataclass(frozen=True, slots=True)
class UnreadRecord:
    """A record that was not read as a whole; `value` is the head of its value, or None."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    unread: Unread
    checksum: None = None
    headers: tuple[tuple[str, bytes], ...] = ()


class Batches:
    """The batches of one fetch of a partition: aiokafka's `MemoryRecords`."""

    def __init__(self, data: bytes) -> None:
        self._view = memoryview(data)
        self._start = self._end = 0
        self._find(0)

    def size_in_bytes(self) -> int:
        """Compressed, with an incomplete batch at the end."""
        return len(self._view)

    def has_next(self) -> bool:
        """Whether there is a complete batch."""
        return self._end > self._start

    def next_batch(self) -> Any:
        """The next batch, or None. A small one that isn't compressed is aiokafka's own."""
        start, end = self._start, self._end
        if end <= start:
            return None
        self._last = found = self._view[start:end]
        self._find(end)
        if found[_MAGIC_AT] < 2:
            return LegacyRecordBatch(found, found[_MAGIC_AT])
        if end - start <= SMALL_BYTES and not found[_ATTRIBUTES_AT + 1] & _CODEC:
            return DefaultRecordBatch(found)
        return Batch(found)

    def step_back(self) -> None:
        """Return the last batch again, as one whose records are parsed one by one."""
        self._start, self._end = self._start - len(self._last), self._start
        self.next_batch = self._one_by_one  # type: ignore[method-assign]

    def _one_by_one(self) -> Any:
        del self.next_batch
        self._find(self._end)
        return Batch(self._last, one_by_one=True)

    def _find(self, start: int) -> None:
        view = self._view
        self._start = self._end = start
        if len(view) - start > _ATTRIBUTES_AT + 1:
            end = start + _LENGTH_AT + 4 + _INT32.unpack_from(view, start + _LENGTH_AT)[0]
            if end <= len(view):
                self._end = end


class Batch:
    """One batch, with the attributes of aiokafka's, iterated once."""

    def __init__(self, data: memoryview, *, one_by_one: bool = False) -> None:
        self._data = data
        self._batch = DefaultRecordBatch(data)
        self._one_by_one = one_by_one

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        """The record of a control batch."""
        return next(iter(self._batch))

    def __iter__(self) -> Iterator[Any]:
        """The records. A record may be returned twice; aiokafka's fetcher skips offsets that it has passed."""
        codec = self._batch.attributes & _CODEC
        if self._batch.is_control_batch:
            return iter(self._batch)
        records = self._data[_HEADER.size :]
        if codec:
            found = unpacked(codec, bytes(records), WHOLE_BYTES)
            if not isinstance(found, bytes):
                return self._in_runs(found)
            records = memoryview(found)
        if self._one_by_one or (len(records) > SMALL_BYTES and not _is_ordinary(bytes(records))):
            return self._in_runs(slices(records))
        return iter(DefaultRecordBatch(self._headed(records, self._count)) if codec else self._batch)

    @property
    def _count(self) -> int:
        return int.from_bytes(self._data[_COUNT_AT : _COUNT_AT + 4], "big", signed=True)

    def _run(self, run: list[bytes]) -> Generator[Any, None, None]:
        """The records with these bytes. Those that can't be parsed are returned unread."""
        try:
            yield from DefaultRecordBatch(self._headed(b"".join(run), len(run)))
        except INVALID as exc:
            if len(run) > 1:
                for one in run:
                    yield from self._run([one])
            else:
                reader = RecordReader(slices(run[0]), len(run[0]))
                fault = Fault(0, "unreadable", f"a record that can't be parsed: {str(exc)[:200]}")
                yield self._alone(reader, reader.varint(), fault)

    def _headed(self, records: bytes | memoryview, count: int) -> bytes:
        """A batch of these records alone."""
        header = bytearray(self._data[: _HEADER.size])
        struct.pack_into(">i", header, _LENGTH_AT, _HEADER.size - _LENGTH_AT - 4 + len(records))
        struct.pack_into(">h", header, _ATTRIBUTES_AT, self._batch.attributes & ~_CODEC)
        struct.pack_into(">i", header, _COUNT_AT, count)
        return b"".join((header, records))

    def _in_runs(
        self, found: Generator[bytes | memoryview, None, None] | Generator[bytes, None, None]
    ) -> Generator[Any, None, None]:
        """All records, run by run; behind a limit or an error the rest of them unread."""
        limit_bytes = EXPANDED_BYTES + EXPANDED_TIMES * len(self._data)
        offset = self._batch.base_offset
        with closing(found):
            reader = RecordReader(found, limit_bytes)
            try:
                for record in self._records(reader):
                    offset = max(offset, record.offset + 1)
                    yield record
            except TooMuch:
                fault = Fault(0, "too-large", f"its batch expands to more than {limit_bytes} bytes")
            except (CantDecompress, *INVALID) as exc:
                fault = Fault(0, "unreadable", f"its batch can't be read: {str(exc)[:200]}")
            else:
                return
        for left in range(offset, self._batch.next_offset):
            yield self._record(left, 0, None, None, Unread(fault))

    def _records(self, reader: RecordReader) -> Generator[Any, None, None]:
        run: list[bytes] = []
        size = 0
        for _ in range(self._count):
            start, length = reader.position, reader.varint()
            prefix_bytes = reader.position - start
            if length > HEAD_BYTES:
                yield from self._run(run)
                run, size = [], 0
                yield self._alone(reader, length)
                continue
            body = reader.take(length)
            run.append(varint_bytes(length, prefix_bytes) + body)
            size += length
            if size >= SMALL_BYTES:
                yield from self._run(run)
                run, size = [], 0
        yield from self._run(run)

    def _alone(self, reader: RecordReader, length: int, fault: Fault | None = None) -> Any:
        """The record of `length` bytes that follows in `reader`; unread if it has a `fault` or is too large."""
        end = reader.position + length
        if fault is None and length > RECORD_MAX_BYTES:
            fault = Fault(0, "too-large", f"a record of {length} bytes")
        reader.take(1)
        delta, offset = reader.varint(), self._batch.base_offset + reader.varint()
        key_bytes = reader.varint()
        if fault is None and key_bytes > KEY_READ_MAX_BYTES:
            fault = Fault(0, "too-large", f"a key of {key_bytes} bytes")
        key = None if key_bytes < 0 else reader.head(key_bytes, KEY_READ_MAX_BYTES)
        digest = hashlib.sha256()
        value_bytes = reader.varint()
        if fault is None and value_bytes > INGEST_MAX_BYTES:
            fault = Fault(0, "too-large", f"a value of {value_bytes} bytes")
        whole = fault is None or value_bytes <= HEAD_BYTES
        value = None
        if value_bytes >= 0:
            value = reader.take(value_bytes) if whole else reader.head(value_bytes, HEAD_BYTES, digest)
        count = reader.varint()
        if fault is None and count > HEADERS_MAX:
            fault = Fault(0, "too-large", f"{count} headers")
        if fault is not None:
            key = key and key[:KEY_MAX_BYTES]
            reader.head(end - reader.position, 0)
            known = Unread(fault) if whole else Unread(fault, value_bytes, digest.digest())
            return self._record(offset, delta, key, value, known)
        headers = _headers(reader.take(end - reader.position), count)
        by_broker, timestamp = self._time(delta)
        return DefaultRecord(offset, timestamp, by_broker, key, value, headers)

    def _time(self, delta: int) -> tuple[int, int]:
        """Whether the broker stamped the batch, and the timestamp of one of its records."""
        batch = self._batch
        by_broker = bool(batch.attributes & _LOG_APPEND_TIME)
        return int(by_broker), batch.max_timestamp if by_broker else batch.first_timestamp + delta

    def _record(self, offset: int, delta: int, key: bytes | None, value: bytes | None, unread: Unread) -> UnreadRecord:
        by_broker, timestamp = self._time(delta)
        return UnreadRecord(offset, timestamp, by_broker, key, value, unread)


def _headers(data: bytes, count: int) -> list[tuple[str, bytes | None]]:
    reader, found = RecordReader(slices(data), len(data)), []
    for _ in range(count):
        name = reader.take(reader.varint()).decode()
        size = reader.varint()
        found.append((name, None if size < 0 else reader.take(size)))
    return found


def _is_ordinary(records: bytes) -> bool:
    """Whether aiokafka's parser may read these records: their lengths fit, and large ones have few headers."""
    position, end, limit_bytes = 0, len(records), HEAD_BYTES
    try:
        while position < end:
            first = records[position]
            if first < 0x80:
                position += 1 + (first >> 1)
            elif (second := records[position + 1]) < 0x80:
                position += 2 + ((first & 0x7F | second << 7) >> 1)
            else:
                reader = RecordReader(iter((records[position : position + 10],)), 10)
                length = reader.varint()
                position += reader.position
                if length > limit_bytes and not _has_few_headers(memoryview(records)[position : position + length]):
                    return False
                position += length
    except (IndexError, CorruptRecordException):
        return False
    return position == end


def _has_few_headers(body: memoryview) -> bool:
    """Whether a record and its parts are small enough."""
    reader = RecordReader(iter((body,)), len(body))
    reader.take(1)
    for _ in range(2):
        reader.varint()
    for limit_bytes in (KEY_READ_MAX_BYTES, INGEST_MAX_BYTES):
        size = reader.varint()
        if size > limit_bytes:
            return False
        reader.head(size, 0)
    return reader.varint() <= HEADERS_MAX
