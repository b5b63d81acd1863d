"""Audits as the estimate that they give."""

from __future__ import annotations

from relearn.agents.learning.audit_accuracy import wilson
from relearn.schemas.http.accuracy import Accuracy


def estimated(right: int, n: int) -> Accuracy | None:
    """Of `n` audited predictions `right` were confirmed; None where none was audited."""
    interval = wilson(right, n)
    return None if interval is None else Accuracy(n, right, *interval)
