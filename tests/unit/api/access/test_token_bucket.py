"""A token bucket's arithmetic."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from relearn.api.access.token_bucket import BURST_S, Bucket, capacity, take, wait_s

RATES = st.floats(0.01, 1e5)
#: Pauses between askings, in seconds, and how many are asked for then.
ASKINGS = st.lists(st.tuples(st.floats(0, 10), st.integers(1, 50)), max_size=50)


@given(RATES, ASKINGS)
def test_never_more_is_taken_than_it_held_and_what_came_in(rate: float, askings: list[tuple[float, int]]) -> None:
    bucket, taken, now_s = None, 0, 100.0
    for pause_s, asked in askings:
        now_s += pause_s
        bucket, got = take(bucket, asked, now_s, rate)
        taken += got
        assert 0 <= got <= asked
        assert taken <= capacity(rate) + rate * (now_s - 100.0) + 1e-6


@given(RATES, ASKINGS)
def test_whoever_keeps_to_the_rate_is_never_refused(rate: float, askings: list[tuple[float, int]]) -> None:
    bucket, now_s = None, 100.0
    for pause_s, _ in askings:
        now_s += pause_s + 1.0001 / rate
        bucket, got = take(bucket, 1, now_s, rate)
        assert got == 1


@given(RATES, st.integers(1, 50))
def test_after_the_wait_there_is_what_was_waited_for(rate: float, wanted: int) -> None:
    most = int(capacity(rate))
    bucket, _ = take(None, most, 100.0, rate)
    after_s = 100.0 + wait_s(bucket, wanted, rate) * 1.000001
    _, got = take(bucket, wanted, after_s, rate)
    assert got >= min(wanted, most) - 1
    assert got >= 1


@given(RATES)
def test_two_seconds_worth_may_be_taken_at_once(rate: float) -> None:
    _, got = take(None, 10**9, 0.0, rate)
    assert got == max(1, int(BURST_S * rate))


@given(RATES, st.floats(0, 100))
def test_a_clock_that_goes_back_brings_nothing(rate: float, back_s: float) -> None:
    bucket, _ = take(Bucket(0.0, 1000.0), 1, 1000.0, rate)
    assert take(bucket, 1, 1000.0 - back_s, rate)[1] == 0
