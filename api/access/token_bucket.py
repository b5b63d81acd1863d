"""A token bucket as plain arithmetic: it fills at `rate` a second, and holds what two seconds bring. Pure.

The same arithmetic runs in Redis, where processes share it (`api/access/rate_limit.py`).
"""

from __future__ import annotations

from typing import NamedTuple

#: So many seconds' worth may be spent at once.
BURST_S = 2.0


class Bucket(NamedTuple):
    """Tokens at a time, in seconds of any clock that doesn't go back."""

    tokens: float
    at_s: float


def holds_at_most(rate: float) -> float:
    """The most that a bucket holds; one at least, or nobody could ever take any."""
    return max(1.0, BURST_S * rate)


def take(bucket: Bucket | None, asked: int, now_s: float, rate: float) -> tuple[Bucket, int]:
    """The bucket afterwards, and how many whole tokens were taken: as many as asked, or as there were.

    `bucket` None is a full one.
    """
    most = holds_at_most(rate)
    if bucket is None:
        bucket = Bucket(most, now_s)
    tokens = min(most, bucket.tokens + max(0.0, now_s - bucket.at_s) * rate)
    taken = min(asked, int(tokens))
    return Bucket(tokens - taken, max(bucket.at_s, now_s)), taken


def wait_s(bucket: Bucket, wanted: int, rate: float) -> float:
    """How long until it holds so many."""
    return max(0.0, (min(wanted, holds_at_most(rate)) - bucket.tokens) / rate)
