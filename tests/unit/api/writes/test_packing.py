"""Records → messages of `ingest`: none lost, none moved, none too large."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from relearn.api.writes.packing import Columns, pack
from relearn.schemas.messages.ingest import CE_TYPE_MANY, CE_TYPE_ONE
from tests.support.data.messages import FakeMessage, decode_chunk

TEXTS = st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
LONG = "é" * 1000
CUT_BYTES = 3000


@st.composite
def columns(draw: st.DrawFn) -> Columns:
    n, d = draw(st.integers(1, 40)), draw(st.sampled_from([1, 5, 60]))
    features = np.random.default_rng(n).normal(size=(n, d))
    names = draw(st.none() | st.just([f"x{j}" for j in range(d)][::-1]))
    texts = st.none() | st.lists(TEXTS, min_size=n, max_size=n)
    contexts = st.none() | st.lists(TEXTS | st.just(LONG), min_size=n, max_size=n)
    return Columns(features, names, "b", draw(texts), draw(texts), draw(contexts))


@given(columns())
def test_every_record_comes_out_once_in_order_with_its_texts(given: Columns) -> None:
    n, d = given.features.shape
    packed = pack(given, CUT_BYTES)
    assert sum(one.records for one in packed) == n
    assert [one.kind for one in packed] == [CE_TYPE_ONE if one.records == 1 else CE_TYPE_MANY for one in packed]
    schema = [f"x{j}" for j in range(d)]
    records, rejects = decode_chunk([FakeMessage(one.value, i) for i, one in enumerate(packed)], schema)
    assert rejects == []
    expected = given.features if given.names is None else given.features[:, ::-1]
    np.testing.assert_array_equal(records.features, expected)
    for column, found in (
        (given.ids, records.ids),
        (given.subjects, records.subjects),
        (given.contexts, records.contexts),
        (["b"] * n, records.batches),
    ):
        assert list(found) == list(column or [None] * n)


@given(columns())
def test_only_a_single_record_makes_a_message_larger_than_where_it_is_cut(given: Columns) -> None:
    """Beside the feature names, which each message has."""
    names_bytes = sum(len(name) + 1 for name in given.names or ())
    assert all(len(one.value) < CUT_BYTES + names_bytes + 100 for one in pack(given, CUT_BYTES) if one.records > 1)


@given(columns())
def test_neighbours_are_together_where_they_fit(given: Columns) -> None:
    sizes = [len(one.value) for one in pack(Columns(given.features, None, "b"), CUT_BYTES)]
    assert all(one + other > CUT_BYTES for one, other in pairwise(sizes))
