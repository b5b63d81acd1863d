"""aiokafka's fetcher with bounded memory: batches are read piece by piece, and a poll returns a bounded size.

The fetcher finds its parts by name in its own module, so that they are replaced there, for all consumers of the
process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.structs import ConsumerRecord

from relearn.agents.fetch.batches import INVALID, Batches, UnreadRecord
from relearn.schemas.messages.records import UnreadMessage

#: Maximum size of what one poll returns, unless it is one record: keys, values and headers.
POLL_BYTES = 4 * 1024 * 1024

_left: ContextVar[list[int] | None] = ContextVar("_left", default=None)


def bound_fetches() -> None:
    """Replace the parts of aiokafka's fetcher in this process. Repeatable."""
    fetcher.MemoryRecords = Batches
    fetcher.PartitionRecords = _PartitionRecords
    fetcher.FetchResult = _FetchResult


@contextmanager
def one_poll() -> Iterator[None]:
    """All partitions of the polls in this block have POLL_BYTES together; otherwise each partition has them."""
    token = _left.set([POLL_BYTES])
    try:
        yield
    finally:
        _left.reset(token)


class _PartitionRecords(fetcher.PartitionRecords):  # type: ignore[misc] # aiokafka's fetcher has no types
    """Messages of one partition, in which a record that was not read is an `UnreadMessage`."""

    def __next__(self) -> Any:
        """The next message. A batch that aiokafka's parser rejects is read once more, record by record.

        Records that were returned before are passed over, because `next_fetch_offset` is behind them.
        """
        try:
            return super().__next__()
        except INVALID:
            self._records.step_back()
            self._records_iterator = self._unpack_records()
            return super().__next__()

    def _consumer_record(self, tp: Any, record: Any) -> Any:
        key, value, headers = record.key, record.value, tuple(record.headers)
        if type(record) is UnreadRecord:
            fault, size_bytes, sha256 = record.unread
            return UnreadMessage(
                tp.topic, tp.partition, record.offset, record.timestamp, key, value, headers, fault, size_bytes, sha256
            )
        return ConsumerRecord(
            tp.topic,
            tp.partition,
            record.offset,
            record.timestamp,
            record.timestamp_type,
            key,
            value,
            record.checksum,
            -1 if key is None else len(key),
            -1 if value is None else len(value),
            headers,
        )


class _FetchResult(fetcher.FetchResult):  # type: ignore[misc] # aiokafka's fetcher has no types
    """What was fetched of one partition and not returned yet: compressed, and at most one record decompressed."""

    def getall(self, max_records: int | None = None) -> list[Any]:
        """The next records, at least one unless the poll has all its bytes."""
        left = _left.get() or [POLL_BYTES]
        if left[0] <= 0 or not self.check_assignment(self._topic_partition) or not self.has_more():
            return []
        records: list[Any] = []
        found: Any = self._partition_records
        for message in found:
            records.append(message)
            left[0] -= len(message.value or b"") + len(message.key or b"")
            if message.headers:
                left[0] -= sum(len(name) + len(value or b"") for name, value in message.headers)
            if left[0] <= 0 or (max_records is not None and len(records) >= max_records):
                self._update_position()
                break
        else:
            self._update_position()
            self._partition_records: Any = None
        return records
