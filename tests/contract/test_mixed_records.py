"""Records of numbers and categories with gaps: every form gives the same record, and each fault has its feature."""

from __future__ import annotations

import json
import math
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relearn.agents.learning.fit import fit
from relearn.agents.models.live import Served
from relearn.agents.models.reading import Reading
from relearn.agents.score.score_records import blocks_of, score_parts
from relearn.schemas.features import Feature, FeatureSchema, Value
from relearn.schemas.messages.ingest import encode_record, encode_records
from relearn.schemas.messages.predictions import decode_block, encode_block
from relearn.schemas.messages.records import Records, Reject
from relearn.schemas.model.linear_svm import decode_model, encode_model
from tests.support.data.messages import FakeMessage, decode_chunk
from tests.support.data.mixed import SCHEMA, mixed_set, row

GAPS = FeatureSchema((Feature("x", missing=True), Feature("y")))
levels = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
records = st.tuples(
    st.none() | levels, st.none() | st.floats(-1e9, 1e9), levels, st.floats(-1e9, 1e9) | st.integers(-9, 9)
).map(list)


def decode(*values: bytes | None, schema: FeatureSchema = SCHEMA) -> tuple[Records, list[Reject]]:
    return decode_chunk([FakeMessage(value, offset=i) for i, value in enumerate(values)], schema)


def _json(message: Any) -> bytes:
    return json.dumps(message).encode()


@settings(max_examples=100, derandomize=True)
@given(st.lists(records, min_size=1, max_size=3), st.booleans())
def test_every_form_gives_the_same_record(rows: list[list[Value]], absent: bool) -> None:
    """By position and by name, one and many, MessagePack and JSON; a gap is null, or not there."""
    names = [SCHEMA.names[i] for i in (2, 3, 0, 1)]
    messages: list[bytes] = []
    for values in rows:
        by_name = dict(zip(SCHEMA.names, values, strict=True))
        if absent:
            by_name = {name: value for name, value in by_name.items() if value is not None}
        messages += [encode_record(values), encode_record(by_name), _json({"features": values})]
        messages += [_json({"features": by_name}), encode_records([values]), _json({"n": 1, "features": [values]})]
        messages.append(encode_records([[values[i] for i in (2, 3, 0, 1)]], names=names))
    found, rejects = decode(*messages)
    assert rejects == []
    wanted = [values for values in rows for _ in range(7)]
    assert np.array_equal(found.features, np.array([row(values) for values in wanted]), equal_nan=True)
    assert [list(one) for one in found.strings] == [[values[0], values[2]] for values in wanted]


GOOD: dict[str, Any] = {"colour": "red", "age": 1.5, "town": "t1", "income": 2}
BAD: dict[str, tuple[Any, str, str]] = {
    "a number as a text": ({**GOOD, "income": "2"}, "invalid", "feature 'income' should be a number, is str"),
    "a truth as a number": ({**GOOD, "age": True}, "invalid", "feature 'age' should be a number, is bool"),
    "a number as a level": ({**GOOD, "town": 4}, "invalid", "feature 'town' should be a string, as the levels of a"),
    "a list as a level": ({**GOOD, "town": ["t1"]}, "invalid", "feature 'town' should be a string"),
    "a map as a number": ({**GOOD, "age": {}}, "invalid", "feature 'age' should be a number, is"),
    "null where none may be": ({**GOOD, "income": None}, "invalid", "feature 'income' is missing, and may not be"),
    "a level that is too long": ({**GOOD, "town": "é" * 129}, "invalid", "feature 'town' is 258 bytes long"),
    "a NUL": ({**GOOD, "colour": "a\0"}, "invalid", "feature 'colour' has a NUL character"),
    "not there where it must be": ({"colour": "red", "age": 1.5, "town": "t1"}, "names", "missing feature 'income'"),
    "an unknown name": ({**GOOD, "size": 1}, "names", "unknown feature 'size'"),
    "too few": (["red", 1.5, "t1"], "dimension", "3 features; the model has 4"),
    "too large": ({**GOOD, "income": 10**400}, "not-finite", "feature 'income' is larger than any float64"),
}


@pytest.mark.parametrize("case", BAD)
def test_each_fault_names_its_feature_and_the_neighbours_are_scored(case: str) -> None:
    given_value, reason, detail = BAD[case]
    # MessagePack has no number as large as JSON's.
    for form in (_json,) if case == "too large" else (_json, msgpack.packb):
        good = form({"features": GOOD})
        found, (reject,) = decode(good, form({"features": given_value}), good)
        assert found.offsets.tolist() == [0, 2]
        assert (reject.fault.reason, reject.fault.detail[: len(detail)]) == (reason, detail)


def test_numbers_that_are_not_finite_and_keys_given_twice_are_faults() -> None:
    """NaN is a gap only in a packed message: JSON's infinity isn't a number that was forgotten."""
    twice = b'{"features": {"colour": "a", "age": 1, "age": 2, "town": "t", "income": 1}}'
    infinite = b'{"features": {"colour": "a", "age": 1e999, "town": "t", "income": 1}}'
    shadowed = b"\x81\xa8features\x85" + b"".join(
        map(msgpack.packb, ("colour", "a", "age", 1, "age", 2, "town", "t", "income", 1))
    )
    commas = _json({"features": {**GOOD, "town": "a, b, c"}})
    found, rejects = decode(twice, infinite, shadowed, commas)
    assert [one.fault.reason for one in rejects] == ["names", "names", "not-finite"]
    assert [list(one) for one in found.strings] == [["red", "a, b, c"]]


def test_packed_numbers_may_have_gaps_and_never_categories() -> None:
    rows = np.array([[math.nan, 1.0], [2.0, 3.0]])
    found, rejects = decode(encode_records(rows), encode_record(rows[0]), schema=GAPS)
    assert rejects == []
    assert np.array_equal(found.features, np.vstack([rows, rows[:1]]), equal_nan=True)
    found, rejects = decode(encode_record(rows[0, ::-1].copy()), schema=GAPS)
    assert [(one.fault.reason, one.fault.detail) for one in rejects] == [("not-finite", "y: not a finite number")]
    _, rejects = decode(encode_record(np.zeros(4)), encode_records(np.zeros((2, 4))))
    assert {one.fault.reason for one in rejects} == {"invalid"}
    assert "packed features are numbers alone" in rejects[0].fault.detail


def test_a_block_holds_numbers_and_strings_apart() -> None:
    """As its wire format has it: the numbers packed, a list per category, the number of the schema."""
    model = fit(mixed_set(60)).as_model(1, SCHEMA.names)
    messages = [FakeMessage(_json({"features": {**GOOD, "colour": None}}), offset=0)]
    messages.append(FakeMessage(_json({"features": {**GOOD, "age": None, "town": "Atlantis"}}), offset=1))
    served = Served(decode_model(encode_model(model)), 4, schema=3)
    (scored,) = score_parts(messages, Reading(served))
    (block,) = blocks_of(scored, Reading(served), generation=0, scored_at=1.0)
    wire = msgpack.unpackb(encode_block(block))
    assert np.frombuffer(wire["features"]).tolist()[:3] == [1.5, 2.0, pytest.approx(math.nan, nan_ok=True)]
    assert (wire["strings"], wire["schema"]) == ([[None, "red"], ["t1", "Atlantis"]], 3)
    read = decode_block(encode_block(block))
    assert [list(one) for one in read.strings] == [[None, "t1"], ["red", "Atlantis"]]
    assert (read.width, read.schema) == (4, 3)
    assert [list(one) for one in read.select(np.array([1])).strings] == [["red", "Atlantis"]]


@pytest.mark.parametrize("name", ['size 5"', "back\\slash", "tab\there", "new\nline", "é"])
def test_a_feature_of_any_name_is_read(name: str) -> None:
    """Also of one that no type can be made for."""
    schema = FeatureSchema((Feature(name, missing=True), Feature("c", "category")))
    found, rejects = decode(_json({"features": {name: 1, "c": "x"}}), _json({"features": [None, "y"]}), schema=schema)
    assert rejects == []
    assert [list(one) for one in found.strings] == [["x"], ["y"]]


def test_each_gap_has_the_same_bytes() -> None:
    """A NaN of another program is the same record: keys are hashes of bytes."""
    strange = np.array([0xFFF8000000000001, 0x3FF0000000000000], dtype="<u8").view("<f8")
    found, rejects = decode(encode_record(strange), _json({"features": [None, 1]}), schema=GAPS)
    assert rejects == []
    assert found.features[0].tobytes() == found.features[1].tobytes()
