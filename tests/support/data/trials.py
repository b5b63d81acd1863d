"""Trials for tests, with defaults for the settings that aren't given."""

from __future__ import annotations

from relearn.agents.learning.snapshot import Snapshot
from relearn.agents.learning.trial import Trial, admit, prepare


def prepared(
    snapshot: Snapshot, *, assumed_weight: float = 0.2, reviewer_labels: int = 500, max_labels: int | None = None
) -> Trial:
    """The trial of `snapshot`."""
    admitted = admit(snapshot, reviewer_labels=reviewer_labels)
    return prepare(snapshot, admitted, assumed_weight=assumed_weight, max_labels=max_labels)
