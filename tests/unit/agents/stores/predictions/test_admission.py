"""Which records are too old to be stored, whatever the clocks show, and how many daily partitions there may be."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.stores.predictions.admission import OTHER_DAYS_MAX, days_to_make, too_old
from relearn.agents.stores.predictions.partitions import day_of
from relearn.agents.stores.predictions.retention import Tail, oldest_kept
from tests.support.data.blocks import NOON_S, block_of

DAY_S = 86_400.0
HOUR_S = 3600.0
KEPT = 30
#: Clocks as wrong as a broken one, and as right as a good one.
SKEWS = st.floats(-40 * DAY_S, 40 * DAY_S) | st.floats(-HOUR_S, HOUR_S)


@given(
    record_age_s=st.floats(0, 80 * DAY_S),
    broker_skew_s=SKEWS,
    postgres_skew_s=SKEWS,
    later=st.booleans(),
)
def test_a_record_just_appended_is_never_too_old(
    record_age_s: float, broker_skew_s: float, postgres_skew_s: float, later: bool
) -> None:
    """Whatever the clocks: an append time and the block's own come from one broker, and it is wrong about both."""
    appended_s = NOON_S + broker_skew_s
    fresh = block_of(1, first_offset=10, ingested_at=np.array([appended_s - 1]), appended_s=appended_s)
    tail = Tail(9, NOON_S - record_age_s, NOON_S - record_age_s)
    now_s = NOON_S + postgres_skew_s
    assert not too_old(fresh, tail, KEPT, now_s).any()
    # Read again after later records were stored, the record is too old only by a clock that was right then.
    after = Tail(11, NOON_S + record_age_s, NOON_S + record_age_s + (0 if later else 2 * HOUR_S))
    found = bool(too_old(fresh, after, KEPT, now_s)[0])
    assert found == (later and day_of(appended_s - 1) < oldest_kept(after.ingested_s, KEPT))


def test_a_record_whose_block_was_scored_after_its_days_is_too_old() -> None:
    """The broker's own clock, right by Postgres', has passed the days that are kept."""
    times = np.array([NOON_S - 31 * DAY_S, NOON_S - 30 * DAY_S])
    block = block_of(2, ingested_at=times, appended_s=NOON_S)
    assert too_old(block, None, KEPT, NOON_S).tolist() == [True, False]
    assert not too_old(block, None, KEPT, NOON_S - 40 * DAY_S).any()


@given(wanted=st.sets(st.integers(-20_000, 20_000), max_size=300), existing=st.sets(st.integers(-9999, 9999)))
def test_the_number_of_daily_partitions_is_bounded(wanted: set[int], existing: set[int]) -> None:
    """And the days that are kept are always among them."""
    today = day_of(NOON_S)
    have = {today + timedelta(days=n) for n in existing}
    asked = {today + timedelta(days=n) for n in wanted} - have
    made = days_to_make(asked, have, retention_days=KEPT, now_s=NOON_S)
    inside = {day for day in asked if -KEPT <= (day - today).days <= 0}
    others_before = sum(not -KEPT - 1 <= (day - today).days <= 1 for day in have)
    others_after = sum(not -KEPT - 1 <= (day - today).days <= 1 for day in have | made)
    assert inside <= made <= asked
    assert others_after <= max(OTHER_DAYS_MAX, others_before)
