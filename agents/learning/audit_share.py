"""Which share of what people review is chosen at random: only that tells how often the champion is right."""

from __future__ import annotations

from collections.abc import Sequence

#: Where the stream isn't what it was, the least certain records say least about all the others.
DRIFTED_SHARE = 0.5


def audit_share(base: float, drifted: Sequence[str]) -> float:
    """The share of audits: `base`, and DRIFTED_SHARE at least while anything has `drifted`."""
    return max(base, DRIFTED_SHARE) if drifted else base
