"""How a sample is spread over the partitions that it is taken from."""

from __future__ import annotations

from collections.abc import Mapping


def quotas(new: Mapping[int, int], n: int) -> dict[int, int]:
    """How many of n records each partition gives, in proportion to its `new` ones; who gives none is left out.

    Largest remainders are rounded up. Where there are n new ones or more, nobody gives more than he has.

    Raises:
        ZeroDivisionError: nothing is new.
    """
    total = sum(new.values())
    shares = {p: divmod(n * count, total) for p, count in new.items()}
    missing = n - sum(whole for whole, _ in shares.values())
    rounded_up = sorted(shares, key=lambda p: (-shares[p][1], p))[:missing]
    found = {p: whole + (p in rounded_up) for p, (whole, _) in shares.items()}
    return {p: quota for p, quota in found.items() if quota > 0}
