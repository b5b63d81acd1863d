"""Accuracy of the stored predictions, over all records and the last ones."""

from __future__ import annotations

from relearn.scripts.demo.watch.rows import RECENT, Accuracy


def test_accuracy_is_over_all_and_over_the_last() -> None:
    """Unknown before the first record."""
    accuracy = Accuracy()
    assert (accuracy.overall, accuracy.recent) == (None, None)
    for _ in range(RECENT):
        accuracy.add("3", "8")
    for _ in range(RECENT):
        accuracy.add("3", "3")
    assert (accuracy.overall, accuracy.recent) == (0.5, 1.0)
    assert (accuracy.right, accuracy.seen) == (RECENT, 2 * RECENT)
