"""The demo's result."""

from __future__ import annotations

from relearn.scripts.demo.checks.result import Result


def test_it_went_well_where_all_agrees_and_something_was_promoted() -> None:
    """Of a champion that had learned before, the latter isn't asked."""
    assert Result(agreed=True, promoted=True, started_taught=False).succeeded
    assert Result(agreed=True, promoted=False, started_taught=True).succeeded
    assert not Result(agreed=True, promoted=False, started_taught=False).succeeded
    assert not Result(agreed=False, promoted=True, started_taught=True).succeeded
