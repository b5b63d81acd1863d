"""What retention drops, whatever the clocks of broker and Postgres show."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.availability.notices import Notices
from relearn.agents.store.retention_watch import NOTICE, RetentionWatch
from relearn.agents.stores.predictions.partitions import DailyPartition, day_of, partition_name
from relearn.agents.stores.predictions.retention import Plan, Retained, Tail, oldest_kept, plan_drops
from tests.support.data.blocks import NOON_S

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
    assert plan == Plan(partitions[2:], None, oldest=day_of(NOON_S - KEPT * DAY_S))


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


async def test_most_of_the_table_goes_only_after_an_hour_of_the_same_answer() -> None:
    """A machine whose clocks all jump ahead together has an hour to notice; a notice names what waits."""
    now_s, asked = 0.0, list[tuple[int, bool]]()
    notices = Notices()

    async def drop(_: object, days: int, *, allow_many: bool) -> Retained:
        asked.append((days, allow_many))
        return Retained((), many="40 of 60 daily partitions")

    watch = RetentionWatch(KEPT, notices, clock=lambda: now_s, drop=drop)
    for now_s in (0.0, 1.0, 60.0, 3599.0, 3660.0):  # noqa: B007 - read by the clock
        await watch.look(None)
    assert asked == [(KEPT, False)] * 3 + [(KEPT, True)]
    assert [one["code"] for one in notices.listed()] == []
    now_s = 3720.0
    await watch.look(None)
    (notice,) = notices.listed()
    assert notice["code"] == NOTICE
    assert "40 of 60 daily partitions would be dropped at once" in str(notice["detail"])


def test_only_days_of_predictions_make_a_drop_a_large_one() -> None:
    """They are what the notice counts, too: a shadow's partitions are others."""
    tails = [Tail(9, NOON_S, NOON_S)]
    few = [*days_before(NOON_S, *range(10), 31)]
    shadows = [one._replace(table="shadow_predictions") for one in days_before(NOON_S, *range(31, 60))]
    assert plan_drops([*few, *shadows], tails, retention_days=KEPT, now_s=NOON_S).many is None
    plan = plan_drops([*few, *days_before(NOON_S, *range(32, 60)), *shadows], tails, retention_days=KEPT, now_s=NOON_S)
    assert plan.many == "29 of 39 daily partitions of `predictions`"
