"""The limit on dead letters: scoring stops before most of a stream becomes dead letters. Pure."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence

from relearn.schemas.messages.records import Reject


class DeadLetterLimit:
    """The share of bad records among the recent ones.

    `max_share` in (0, 1]. The limit applies from `min_records` on; "recent" is at most ten times `min_records`.
    The bad records of one message count as at most a tenth of `min_records`: a single message doesn't stop the stream.
    """

    def __init__(self, max_share: float, min_records: int) -> None:
        self.max_share = max_share
        self.min_records = min_records
        self._chunks: deque[tuple[int, int]] = deque()
        self.records = 0
        self.bad = 0

    def bad_of(self, rejects: Sequence[Reject]) -> int:
        """How many bad records these count as."""
        by_message = Counter((one.message.partition, one.message.offset) for one in rejects)
        cap = max(1, self.min_records // 10)
        return sum(min(number, cap) for number in by_message.values())

    def would_exceed(self, records: int, bad: int) -> bool:
        """Whether a chunk of `records`, `bad` of them rejected, would bring the share over the limit."""
        total, total_bad = self.records + records, self.bad + bad
        return bad > 0 and total >= self.min_records and total_bad > self.max_share * total

    def add(self, records: int, bad: int) -> None:
        """Count a chunk."""
        self._chunks.append((records, bad))
        self.records += records
        self.bad += bad
        while len(self._chunks) > 1 and self.records - self._chunks[0][0] >= 10 * self.min_records:
            old, old_bad = self._chunks.popleft()
            self.records -= old
            self.bad -= old_bad

    def clear(self) -> None:
        """Start counting again, after `relearn dlq resume`."""
        self._chunks.clear()
        self.records = self.bad = 0
