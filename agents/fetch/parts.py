"""The parts of one poll that become chunks: of one topic each, and bounded in bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from faust.types import TP

from relearn.schemas.messages.records import RawMessage

#: Maximum size of the values in a chunk, unless it holds one message alone.
CHUNK_BYTES = 4 * 1024 * 1024


class Position(NamedTuple):
    """Where a partition is read next: `offset` of the topic with this id."""

    topic_id: str
    offset: int


class Part(NamedTuple):
    """A part of a poll that becomes a chunk. `ends`: each partition's position after it."""

    topic_id: str
    records: list[RawMessage]
    ends: dict[TP, int]
    size_bytes: int


def split_fetch(fetched: Mapping[TP, Sequence[RawMessage]], positions: Mapping[TP, Position]) -> Iterator[Part]:
    """One fetch as parts of at most CHUNK_BYTES per topic.

    A partition's end is the offset after its last record, or its position: control records and records of aborted
    transactions may follow the last record.
    """
    topics: dict[tuple[str, str], list[TP]] = {}
    for tp in fetched:
        topics.setdefault((tp.topic, positions[tp].topic_id), []).append(tp)
    for (_, topic_id), partitions in topics.items():
        records: list[RawMessage] = []
        ends: dict[TP, int] = {}
        size_bytes = 0
        for tp in partitions:
            end = -1
            for record in fetched[tp]:
                length = len(record.value or b"")
                if records and size_bytes + length > CHUNK_BYTES:
                    if end >= 0:
                        ends[tp] = end
                    yield Part(topic_id, records, ends, size_bytes)
                    records, ends, size_bytes = [], {}, 0
                records.append(record)
                size_bytes += length
                end = record.offset + 1
            if end >= 0:
                ends[tp] = max(end, positions[tp].offset)
        if records:
            yield Part(topic_id, records, ends, size_bytes)
