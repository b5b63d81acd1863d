"""Features of kinds: a record's row, and its values in the order of the schema."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.schemas.errors import BadMessage
from relearn.schemas.features import Feature, code_of, numbers_alone, read_kind, row_of, value_fault, values_of
from tests.support.data.mixed import SCHEMA


def test_a_row_has_the_numbers_first() -> None:
    assert SCHEMA.row_names == ("age", "income", "colour", "town")
    assert SCHEMA.gaps.tolist() == [True, False, True, False]
    found = row_of([1.5, 2.0], ["red", None])
    assert found[:2].tolist() == [1.5, 2.0]
    assert found[2] == code_of("red")
    assert math.isnan(found[3])
    assert SCHEMA.values([math.nan, 2.0], ["red", None]) == ["red", None, None, 2.0]


def test_numbers_alone_are_their_own_row() -> None:
    numbers = [1.0, 2.0]
    assert row_of(numbers, None) is numbers
    assert numbers_alone(["a", "b"]).plain
    assert not SCHEMA.plain


def test_a_record_of_another_schema_is_shown_numbers_first() -> None:
    assert values_of(SCHEMA, [1.0, 2.0], ["x", "y"]) == ["x", 1.0, "y", 2.0]
    assert values_of(SCHEMA, [1.0], ["x"]) == [1.0, "x"]
    assert values_of(None, [1.0, math.nan], None) == [1.0, None]


@given(st.sets(st.text(), max_size=200))
def test_codes_are_whole_numbers_that_differ(levels: set[str]) -> None:
    codes = [code_of(level) for level in levels]
    assert all(code == int(code) and 0 <= code < 2**53 for code in codes)
    assert len(set(codes)) == len(levels)
    assert np.array(codes).astype(np.int64).astype(np.float64).tolist() == codes


@pytest.mark.parametrize(
    ("value", "feature", "fault"),
    [
        (1, Feature("a"), None),
        (True, Feature("a"), "feature 'a' should be a number, is bool"),
        ("1", Feature("a"), "feature 'a' should be a number, is str"),
        (None, Feature("a"), "feature 'a' is missing, and may not be"),
        (None, Feature("a", missing=True), None),
        ("x", Feature("c", "category"), None),
        ("", Feature("c", "category"), None),
        (1.0, Feature("c", "category"), "feature 'c' should be a string, as the levels of a category are, is float"),
        ("x" * 257, Feature("c", "category"), "feature 'c' is 257 bytes long; 256 are allowed"),
        ("\0", Feature("c", "category"), "feature 'c' has a NUL character"),
    ],
)
def test_each_value_that_its_feature_cannot_have_is_named(value: object, feature: Feature, fault: str | None) -> None:
    assert value_fault(value, feature) == fault


def test_there_is_no_other_kind() -> None:
    with pytest.raises(BadMessage, match="number, category or text, not 'date'"):
        read_kind("date")
