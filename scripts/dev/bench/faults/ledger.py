"""What the broker has acknowledged: every message by its place in Kafka and by its content."""

from __future__ import annotations

import threading
from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.topics import TopicName

FEATURES = 4
_BASE = np.random.default_rng(1).normal(size=(997, FEATURES))


def features_of(numbers: int | NDArray[np.int64]) -> NDArray[np.float64]:
    """The features of plain records, float64 (4,) or (n, 4): the first one is the record's number itself."""
    rows: NDArray[np.float64] = _BASE[numbers % len(_BASE)].copy()
    rows[..., 0] = numbers
    return rows


def plain_record(number: int) -> bytes:
    """The message of the plain record `number`."""
    return encode_record(features_of(number), record_id=str(number))


@dataclass(frozen=True, slots=True)
class Special:
    """A message that isn't one plain record, and the outcome of each of its records.

    `rows`: by index the id of a record that must become a row. `refused`: by index the reasons that its dead letter may
    have, empty where any will do. `either`: by index the id of a record that may be a row or a dead letter. `maybe`: a
    record of it may have no outcome at all, and none of it more than one.
    """

    kind: str
    topic: TopicName
    value: bytes | None
    rows: Mapping[int, str] = field(default_factory=dict)
    refused: Mapping[int, frozenset[str]] = field(default_factory=dict)
    either: Mapping[int, str] = field(default_factory=dict)
    maybe: bool = False
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()


class At(NamedTuple):
    """A message's place: the id of its topic, partition and offset."""

    topic_id: str
    partition: int
    offset: int


class Numbers:
    """Offsets of one partition, and the numbers of the plain records there."""

    def __init__(self) -> None:
        self._offsets, self._numbers = array("q"), array("q")

    def add(self, offset: int, number: int) -> None:
        """Note one acknowledged record."""
        self._offsets.append(offset)
        self._numbers.append(number)

    def columns(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Offsets and numbers, int64 (n,), by offset."""
        offsets, numbers = np.array(self._offsets, np.int64), np.array(self._numbers, np.int64)
        order = np.argsort(offsets, kind="stable")
        return offsets[order], numbers[order]

    def __len__(self) -> int:
        return len(self._offsets)


class Ledger:
    """Acknowledged messages. Senders' threads add to it; it is read when they have ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.plain: dict[tuple[str, int], Numbers] = defaultdict(Numbers)
        """Plain records by topic id and partition."""
        self.special: dict[tuple[TopicName, At], Special] = {}
        self.unanswered: set[int] = set()
        """Numbers of plain records that the producer gave up: they may be stored, once."""
        self.vanished: dict[tuple[str, int], int] = {}
        """By topic id and partition: records at and after this offset went with their topic, or were deleted unread."""
        self.deleted_below: dict[tuple[str, int], tuple[int, int]] = {}
        """By topic id and partition: records from the first to before the second offset were deleted unread."""
        self.models: dict[int, int] = {}
        """Activations that were published, and the version of each."""

    def add_plain(self, topic_id: str, partition: int, offset: int, number: int) -> None:
        """Note an acknowledged plain record."""
        with self._lock:
            self.plain[topic_id, partition].add(offset, number)

    def add_special(self, at: At, message: Special) -> None:
        """Note any other acknowledged message."""
        with self._lock:
            self.special[message.topic, at] = message

    def may_be_missing(self, at: At) -> bool:
        """Whether the record at this place was removed from Kafka before it was read."""
        place = at.topic_id, at.partition
        first, last = self.deleted_below.get(place, (0, 0))
        return at.offset >= self.vanished.get(place, at.offset + 1) or first <= at.offset < last

    @property
    def acknowledged(self) -> int:
        """Acknowledged plain records."""
        return sum(map(len, list(self.plain.values())))
