"""What retention drops and what is too old, whatever the clocks of broker and Postgres show."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.availability.notices import Notices
from relearn.agents.store.retention_watch import NOTICE, RetentionWatch
from relearn.agents.stores.predictions.partitions import DailyPartition, day_of, partition_name
from relearn.agents.stores.predictions.retention import (
    OTHER_DAYS_MAX,
    Plan,
    Retained,
    Tail,
    days_to_make,
    oldest_kept,
    plan_drops,
    too_old,
)
from tests.support.data.blocks import NOON_S, block_of

DAY_S = 86_400.0
HOUR_S = 3600.0
KEPT = 30
#: Clocks as wrong as a broken one, and as right as a good one.
SKEWS = st.floats(-40 * DAY_S, 40 * DAY_S) | st.floats(-HOUR_S, HOUR_S)


def days_before(newest_s: float, *ages: int) -> list[DailyPartition]:
    """Daily partitions of days that long before a time."""
    return [_partition(day_of(newest_s) - timedelta(days=age)) for age in ages]


def _partition(day: date) -> DailyPartition:
    return DailyPartition("predictions", partition_name("predictions", day), day)


def test_days_before_the_kept_ones_are_dropped() -> None:
    partitions = days_before(NOON_S, 0, 30, 31, 32)
    plan = plan_drops(partitions, [Tail(9, NOON_S, NOON_S + 1)], retention_days=KEPT, now_s=NOON_S + 2)
    assert plan == Plan(partitions[2:], None, many=False, oldest=day_of(NOON_S - KEPT * DAY_S))


def test_a_partition_made_within_the_days_that_are_kept_stays() -> None:
    """Its rows were stored lately: a broker's clock was back, or the store worker behind."""
    old, *_ = days_before(NOON_S, 40)
    today, *_ = days_before(NOON_S, 0)
    for made_age_days, dropped in ((None, True), (0, False), (30, False), (31, True), (-40, False)):
        made_s = None if made_age_days is None else NOON_S - made_age_days * DAY_S
        found = plan_drops(
            [old._replace(made_s=made_s), today], [Tail(9, NOON_S, NOON_S)], retention_days=KEPT, now_s=NOON_S
        )
        assert bool(found.expired) == dropped


def test_an_idle_stream_keeps_what_its_newest_record_keeps() -> None:
    """Time that passes without records makes no row older than the broker's newest time allows."""
    partitions = days_before(NOON_S, 0, 30, 31)
    plan = plan_drops(partitions, [Tail(9, NOON_S, NOON_S)], retention_days=KEPT, now_s=NOON_S + 400 * DAY_S)
    assert plan.expired == partitions[2:]


def test_a_partition_that_relearn_did_not_make_is_never_dropped() -> None:
    other = DailyPartition("predictions", "predictions_00010101", None)
    plan = plan_drops([other], [Tail(9, NOON_S, NOON_S)], retention_days=KEPT, now_s=NOON_S)
    assert (plan.expired, plan.held) == ([], None)


@given(
    ages=st.sets(st.integers(-60, 400), max_size=40),
    skews=st.lists(st.tuples(SKEWS, st.floats(0, 2 * DAY_S)), max_size=6),
    now_skew_s=SKEWS,
)
def test_nothing_is_dropped_that_is_younger_than_retention_by_the_newest_append_time(
    ages: set[int], skews: list[tuple[float, float]], now_skew_s: float
) -> None:
    """Nor while a clock is wrong, nor everything. `skews`: of each Kafka partition the broker's error, and its age."""
    tails = [Tail(i, NOON_S - age_s + skew_s, NOON_S - age_s) for i, (skew_s, age_s) in enumerate(skews)]
    partitions = days_before(NOON_S, *sorted(ages))
    plan = plan_drops(partitions, tails, retention_days=KEPT, now_s=NOON_S + now_skew_s)
    newest_s = max((tail.ingested_s for tail in tails), default=0.0)
    assert all(one.day is not None and one.day < oldest_kept(newest_s, KEPT) for one in plan.expired)
    assert plan.held is None or not plan.expired
    assert not partitions or len(plan.expired) < len(partitions)
    seen = [tail for tail in tails if tail.stored_s <= NOON_S + now_skew_s + HOUR_S]
    last = max(seen, key=lambda tail: tail.stored_s, default=None)
    if last is None or not last.agrees:
        assert not plan.expired


def test_rows_of_a_time_when_postgres_clock_was_ahead_hold_nothing_afterwards() -> None:
    """One Kafka partition is idle since; the other shows that the clocks agree again."""
    partitions = days_before(NOON_S, 0, 31)
    tails = [Tail(9, NOON_S - 60, NOON_S + 40 * DAY_S), Tail(9, NOON_S, NOON_S)]
    assert plan_drops(partitions, tails, retention_days=KEPT, now_s=NOON_S).expired == partitions[1:]
    assert plan_drops(partitions, tails[:1], retention_days=KEPT, now_s=NOON_S).expired == ()


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


async def test_most_of_the_table_goes_only_after_an_hour_of_the_same_answer() -> None:
    """A machine whose clocks all jump ahead together has an hour to notice; a notice names what waits."""
    now_s, asked = 0.0, list[tuple[int, bool]]()
    notices = Notices()

    async def drop(_: object, days: int, *, allow_many: bool) -> Retained:
        asked.append((days, allow_many))
        return Retained((), None if allow_many else "most of it", many=True)

    watch = RetentionWatch(KEPT, notices, clock=lambda: now_s, drop=drop)
    for now_s in (0.0, 1.0, 60.0, 3599.0, 3660.0):  # noqa: B007 - read by the clock
        await watch.look(None)
    assert asked == [(KEPT, False)] * 3 + [(KEPT, True)]
    assert [one["code"] for one in notices.listed()] == []
    now_s = 3720.0
    await watch.look(None)
    assert [one["code"] for one in notices.listed()] == [NOTICE]
