"""The limit on dead letters."""

from __future__ import annotations

from relearn.agents.score.dlq_limit import DlqLimit


def test_a_few_bad_records_are_never_judged() -> None:
    assert not DlqLimit(0.5, 1000).would_exceed(999, 999)


def test_a_stream_of_mostly_bad_records_exceeds_the_limit() -> None:
    diversion = DlqLimit(0.5, 1000)
    diversion.add(900, 400)
    assert diversion.would_exceed(100, 101)
    assert not diversion.would_exceed(100, 100)


def test_a_good_chunk_never_exceeds_the_limit() -> None:
    diversion = DlqLimit(0.5, 10)
    diversion.add(100, 100)
    assert not diversion.would_exceed(10, 0)


def test_long_gone_records_are_forgotten() -> None:
    diversion = DlqLimit(0.5, 10)
    diversion.add(100, 100)
    for _ in range(100):
        diversion.add(10, 0)
    assert diversion.bad == 0
    assert diversion.records < 120


def test_after_a_resume_the_past_does_not_count() -> None:
    diversion = DlqLimit(0.5, 10)
    diversion.add(100, 100)
    diversion.clear()
    assert not diversion.would_exceed(9, 9)
