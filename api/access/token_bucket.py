"""A token bucket as plain arithmetic: it fills at `rate` per second and holds two seconds' worth. Pure.

The same arithmetic runs in Redis, where processes share it (`api/access/rate_limit.py`).
"""

from __future__ import annotations

from typing import NamedTuple

#: Maximum burst, in seconds of the rate.
BURST_S = 2.0


class Bucket(NamedTuple):
    """Tokens at a time, in seconds of a monotonic clock."""

    tokens: float
    at_s: float


def capacity(rate: float) -> float:
    """Maximum tokens of a bucket, at least one."""
    return max(1.0, BURST_S * rate)


def take(bucket: Bucket | None, wanted: int, now_s: float, rate: float) -> tuple[Bucket, int]:
    """The bucket afterwards, and the number of whole tokens taken: `wanted`, or all that there were.

    `bucket` None: a full bucket.
    """
    most = capacity(rate)
    if bucket is None:
        bucket = Bucket(most, now_s)
    tokens = min(most, bucket.tokens + max(0.0, now_s - bucket.at_s) * rate)
    taken = min(wanted, int(tokens))
    return Bucket(tokens - taken, max(bucket.at_s, now_s)), taken


def wait_s(bucket: Bucket, wanted: int, rate: float) -> float:
    """Time until the bucket holds `wanted` tokens."""
    return max(0.0, (min(wanted, capacity(rate)) - bucket.tokens) / rate)
