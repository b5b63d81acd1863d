"""Paths say where a value is, and a text that is no path is refused with a reason."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.schemas.foreign.paths import NotThere, parse_path, path_text, value_at

GOOD = {
    "a": ("a",),
    "a.b": ("a", "b"),
    "a[0][12].b": ("a", 0, 12, "b"),
    '"a.b".c': ("a.b", "c"),
    "'a\"b'[1]": ('a"b', 1),
    "größe.12": ("größe", "12"),
}
BAD = [
    "",
    ".",
    "a.",
    ".a",
    "a..b",
    "a[",
    "a[-1]",
    "a[x]",
    "[0]",
    "a[0]b",
    '"a',
    "a b",
    'a"b"',
    "a" * 1025,
    ".".join("a" * 33),
]


@pytest.mark.parametrize(("text", "steps"), GOOD.items(), ids=list(GOOD))
def test_a_path_is_names_and_indexes(text: str, steps: tuple[str | int, ...]) -> None:
    assert parse_path(text) == steps


@pytest.mark.parametrize("text", BAD, ids=lambda text: text[:10])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected at character|at most"):
        parse_path(text)


NAMES = st.text(min_size=1, max_size=8).filter(lambda name: not ('"' in name and "'" in name))


@given(NAMES, st.lists(st.one_of(NAMES, st.integers(0, 9_999_999)), max_size=4))
def test_a_path_written_out_is_the_same_path(first: str, rest: list[str | int]) -> None:
    path = (first, *rest)
    assert parse_path(path_text(path)) == path


MESSAGE = {"a": {"b": [1, {"c": 2}], "none": None}, "text": "xyz"}


@pytest.mark.parametrize(
    ("path", "value"), [("a.b[0]", 1), ("a.b[1].c", 2), ("a.none", None), ("a.none.deeper[3]", None), ("text", "xyz")]
)
def test_the_value_at_a_path_is_found(path: str, value: object) -> None:
    assert value_at(MESSAGE, parse_path(path)) == value


@pytest.mark.parametrize(
    ("path", "missing"),
    [
        ("b", "b"),
        ("a.x.y", "a.x"),
        ("a.b[2]", "a.b[2]"),
        ("a[0]", "a[0]"),
        ("text[0]", "text[0]"),
        ("text.a", "text.a"),
    ],
)
def test_what_is_not_there_is_named_up_to_the_step_that_fails(path: str, missing: str) -> None:
    with pytest.raises(NotThere, match=f"^{re.escape(missing)}$"):
        value_at(MESSAGE, parse_path(path))
