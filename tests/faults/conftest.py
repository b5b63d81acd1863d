"""Fixtures for faults: several workers share the topics of a namespace."""

from __future__ import annotations

import pytest


@pytest.fixture
def partitions() -> int:
    """As many as `relearn migrate` makes, so that each of several workers has some."""
    return 8
