"""The audit share: what was asked for, and half at least while something has drifted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.learning.audit_share import audit_share

SHARES = st.floats(0, 1)
NAMES = st.lists(st.text(min_size=1), min_size=1)


@given(SHARES)
def test_without_drift_it_is_what_was_asked_for(base: float) -> None:
    assert audit_share(base, ()) == base


@given(st.floats(0, 0.5), NAMES)
def test_drift_raises_it_to_half(base: float, names: list[str]) -> None:
    assert audit_share(base, names) == 0.5


@given(st.floats(0.5, 1), NAMES)
def test_drift_never_lowers_it(base: float, names: list[str]) -> None:
    assert audit_share(base, names) == base
