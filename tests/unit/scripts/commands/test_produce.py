"""The last line of `relearn produce`."""

from __future__ import annotations

from relearn.scripts.commands.produce import summary


def test_the_last_line_counts_and_says_why() -> None:
    """What isn't acknowledged is never hidden."""
    assert summary(1737, 1737, "an old story") == "1,737 records sent, 1,737 acknowledged by the broker"
    assert summary(2, 1, "too large") == "2 records sent, 1 acknowledged by the broker; 1 not: too large"
