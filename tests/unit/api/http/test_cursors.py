"""A cursor gives back its key in its own list only; any other text is an error."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from relearn.api.http.cursors import Cursors, Int32, Int64, TimeUs, microseconds, moment, split_page
from relearn.api.http.problems import ProblemError
from relearn.schemas.http.operation import Cursor, PageQuery


class Key(Struct, frozen=True, array_like=True):
    at_us: TimeUs
    number: Int64
    small: Int32
    name: Annotated[str, Meta(max_length=256)]


class Query(PageQuery, frozen=True):
    batch: str | None = None
    reviewed: bool | None = None


CURSORS = Cursors("things", Key)
times_us = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=64)
keys = st.builds(Key, times_us, st.integers(0, 2**63 - 1), st.integers(0, 2**31 - 1), texts)
queries = st.builds(Query, limit=st.integers(1, 1000), batch=st.none() | texts, reviewed=st.none() | st.booleans())


def given_back(query: Query, cursor: str) -> Query:
    return msgspec.structs.replace(query, cursor=cursor)


@given(keys, queries)
def test_a_cursor_leads_back_to_its_key(key: Key, query: Query) -> None:
    assert CURSORS.read(given_back(query, CURSORS.write(key, query))) == key


@given(keys, queries, st.integers(1, 1000))
def test_the_page_s_size_may_change_on_the_way(key: Key, query: Query, limit: int) -> None:
    other = msgspec.structs.replace(query, limit=limit)
    assert CURSORS.read(given_back(other, CURSORS.write(key, query))) == key


@given(keys, queries, queries)
def test_a_cursor_of_other_filters_is_refused(key: Key, query: Query, other: Query) -> None:
    cursor = CURSORS.write(key, query)
    if (query.batch, query.reviewed) != (other.batch, other.reviewed):
        with pytest.raises(ProblemError):
            CURSORS.read(given_back(other, cursor))


@given(keys, queries)
def test_a_cursor_of_another_list_is_refused(key: Key, query: Query) -> None:
    for cursor in (Cursors("others", Key).write(key, query), CURSORS.write(key, query, "path")):
        with pytest.raises(ProblemError):
            CURSORS.read(given_back(query, cursor))
    with pytest.raises(ProblemError):
        CURSORS.read(given_back(query, CURSORS.write(key, query, "path")), "another path")


@given(st.text(max_size=600) | st.binary(max_size=100).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_whatever_somebody_makes_up_is_a_failure_and_no_error(made_up: str) -> None:
    with pytest.raises(ProblemError) as caught:
        CURSORS.read(Query(cursor=made_up))
    assert caught.value.kind == "malformed"
    assert [fault.field for fault in caught.value.faults] == ["cursor"]


@given(keys, queries, st.data())
def test_a_changed_cursor_is_refused(key: Key, query: Query, data: st.DataObject) -> None:
    cursor = CURSORS.write(key, query)
    at = data.draw(st.integers(0, len(cursor) - 1))
    put = data.draw(st.characters())
    if put != cursor[at]:
        with pytest.raises(ProblemError):
            CURSORS.read(given_back(query, cursor[:at] + put + cursor[at + 1 :]))
    for other in (cursor + "=", cursor[:-1], cursor + "A", " " + cursor):
        with pytest.raises(ProblemError):
            CURSORS.read(given_back(query, other))


def test_a_key_that_is_out_of_range_is_refused_though_its_digest_fits() -> None:
    """A client that knows the source can forge one."""
    for key in (Key(2**62, 0, 0, ""), Key(0, -1, 0, ""), Key(0, 0, 2**31, ""), Key(0, 2**64 - 1, 0, "")):
        with pytest.raises(ProblemError):
            CURSORS.read(Query(cursor=CURSORS.write(key, Query())))


@given(keys, queries)
def test_a_cursor_is_no_longer_than_a_query_may_hold(key: Key, query: Query) -> None:
    longest = msgspec.structs.replace(key, name=(key.name * 256 or "x" * 256).encode()[:256].decode("utf-8", "ignore"))
    msgspec.convert(CURSORS.write(longest, query), Cursor)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_is_kept_to_the_microsecond(at: datetime) -> None:
    assert moment(microseconds(at)) == at
    msgspec.convert(microseconds(at), TimeUs)


def test_a_page_ends_where_there_is_one_more_than_it_holds() -> None:
    assert split_page([1, 2, 3], 2) == ([1, 2], 2)
    assert split_page([1, 2], 2) == ([1, 2], None)
    assert split_page([], 2) == ([], None)


@given(st.integers(0, 20), st.integers(1, 7))
async def test_pages_hold_each_row_once_in_order(n: int, limit: int) -> None:
    rows = list(range(n))

    async def fetch(after: Key | None, limit: int) -> list[int]:
        start = 0 if after is None else after.number + 1
        return rows[start : start + limit]

    found, query = [], Query(limit=limit)
    while True:
        page, cursor = await CURSORS.page(query, fetch, lambda row: Key(0, row, 0, ""), "path")
        found += page
        if cursor is None:
            break
        assert len(page) == limit
        query = given_back(query, cursor)
    assert found == rows
