"""The watchdog ends only who has work, waits for nobody, and gets nowhere."""

from __future__ import annotations

from agents.watchdog import PATIENCE_S, Progress

LATE_S = PATIENCE_S + 1


def test_lag_without_progress_is_stuck_after_a_while() -> None:
    progress = Progress(0)
    assert not progress.stuck(now_s=0, condition="ready", lag=5, records=0)
    assert not progress.stuck(now_s=PATIENCE_S, condition="ready", lag=5, records=0)
    assert progress.stuck(now_s=LATE_S, condition="ready", lag=5, records=0)


def test_no_lag_is_idleness() -> None:
    progress = Progress(0)
    assert not progress.stuck(now_s=LATE_S, condition="ready", lag=0, records=0)
    assert not progress.stuck(now_s=2 * LATE_S, condition="ready", lag=None, records=0)


def test_who_says_what_it_waits_for_is_left_alone() -> None:
    progress = Progress(0)
    for times in range(1, 5):
        assert not progress.stuck(now_s=times * LATE_S, condition="waiting for Postgres", lag=5, records=0)
    assert not progress.stuck(now_s=4 * LATE_S + 1, condition="ready", lag=5, records=0)


def test_records_processed_are_progress_even_while_the_lag_grows() -> None:
    progress = Progress(0)
    for times in range(1, 5):
        assert not progress.stuck(now_s=times * LATE_S, condition="ready", lag=5 * times, records=times)


def test_a_lag_that_shrinks_is_progress() -> None:
    progress = Progress(0)
    for times in range(1, 5):
        assert not progress.stuck(now_s=times * LATE_S, condition="ready", lag=100 - times, records=0)
