"""Suspects: deaths narrow down to the message at fault, and to no other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.quarantine.suspects import HOURLY_MAX, Suspects, quarantined, suspects_of
from relearn.agents.stores.deaths import Death

ID = "topic-id"


def parts_of(suspects: Suspects, end: int) -> list[tuple[int, int]]:
    """The parts in which offsets 0 to `end` are read."""
    parts: list[tuple[int, int]] = []
    for offset in range(end):
        if parts and suspects.part(offset) == suspects.part(parts[-1][0]):
            parts[-1] = (parts[-1][0], offset + 1)
        else:
            parts.append((offset, offset + 1))
    return parts


@given(st.integers(1, 3000), st.integers(0, 2999), st.integers(2, 5))
def test_a_deadly_message_is_found_after_exactly_that_many_deaths(count: int, at: int, deaths_max: int) -> None:
    deadly = at % count
    deaths: list[Death] = []
    for _ in range(deaths_max):
        suspects = suspects_of(deaths, deaths_max).get((ID, 0), Suspects((), (), deaths_max))
        assert quarantined(deaths, suspects_of(deaths, deaths_max)).places == set()
        first, end = next(part for part in parts_of(suspects, count) if part[0] <= deadly < part[1])
        deaths.append(Death(ID, 0, first, end, 1.0, end == first + 1))
    assert quarantined(deaths, suspects_of(deaths, deaths_max)).places == {(ID, 0, deadly)}


def test_after_a_death_each_message_that_was_in_hand_is_read_alone() -> None:
    parts = parts_of(Suspects([(10, 20)], [], 3), 30)
    assert parts == [(0, 10), *((offset, offset + 1) for offset in range(10, 20)), (20, 30)]


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 200)), max_size=12))
def test_only_a_message_alone_in_hand_at_all_of_enough_deaths_but_one_is_guilty(spans: list[tuple[int, int]]) -> None:
    deaths = [Death(ID, 0, first, first + size, 1.0, size == 1) for first, size in spans]
    for _, _, offset in quarantined(deaths, suspects_of(deaths, 3)).places:
        assert spans.count((offset, 1)) >= 2
        assert sum(first <= offset < first + size for first, size in spans) >= 3


def test_a_message_of_each_partition_in_hand_is_none_alone() -> None:
    """A worker that is killed again and again under load convicts nothing, and pauses before nothing."""
    deaths = [Death(ID, partition, 5, 6, 1.0, alone=False) for partition in range(8) for _ in range(5)]
    suspects = suspects_of(deaths, 3)
    assert quarantined(deaths, suspects).places == set()
    assert [suspects[ID, 0].deaths(5), suspects[ID, 0].alone(5), suspects[ID, 0].nearly_guilty(5)] == [5, 0, False]


@given(st.integers(2, 5), st.integers(0, 5), st.booleans())
def test_nearly_guilty_is_one_death_before_guilty(deaths_max: int, count: int, first_alone: bool) -> None:
    deaths = [Death(ID, 0, 5, 6, 1.0, alone=first_alone or number > 0) for number in range(count)]
    now = suspects_of(deaths, deaths_max).get((ID, 0), Suspects((), (), deaths_max))
    then = suspects_of([*deaths, Death(ID, 0, 5, 6, 1.0, alone=True)], deaths_max)[ID, 0]
    assert now.nearly_guilty(5) == (count > 0 and then.guilty(5))
    assert not now.nearly_guilty(6)


def test_another_topic_of_the_same_name_has_other_suspects() -> None:
    deaths = [Death("former", 0, 5, 6, 1.0, True)] * 3
    suspects = suspects_of(deaths, 3)
    assert (ID, 0) not in suspects
    assert quarantined(deaths, suspects).places == {("former", 0, 5)}


def test_no_more_messages_are_quarantined_in_an_hour_than_a_fault_in_messages_explains() -> None:
    deaths = [
        Death(ID, 0, offset, offset + 1, 1000.0 - offset, True) for offset in range(HOURLY_MAX + 5) for _ in range(3)
    ]
    found = quarantined(deaths, suspects_of(deaths, 3))
    assert found == ({(ID, 0, offset) for offset in range(HOURLY_MAX)}, 5)
    former = [death._replace(age_s=4000.0) for death in deaths]
    assert len(quarantined(former, suspects_of(former, 3)).places) == HOURLY_MAX + 5
