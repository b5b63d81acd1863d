"""A prediction's id is its record's place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.schemas.errors import BadIdentity
from relearn.schemas.identity import Place, parse_place

int32 = st.integers(0, 2**31 - 1)


@given(int32, int32, st.integers(0, 2**63 - 1), int32)
def test_an_id_names_the_place_that_it_was_made_from(generation: int, partition: int, offset: int, index: int) -> None:
    place = Place(generation, partition, offset, index)
    assert parse_place(str(place)) == place


def test_the_first_generation_is_not_written() -> None:
    assert str(Place(0, 2, 10481, 0)) == "2-10481-0"
    assert str(Place(1, 2, 10481, 0)) == "1-2-10481-0"


@pytest.mark.parametrize(
    "text", ["", "2", "2-1", "1-2-3-4-5", "a-b-c", "2--1-0", "-1-2-3", "2-1-0 ", "²-1-0", f"{2**31}-0-0"]
)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(BadIdentity):
        parse_place(text)
