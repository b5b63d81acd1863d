"""Feedback: a person's or program's statement on one prediction."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.schemas.errors import BadMessage
from relearn.schemas.identity import Place
from relearn.schemas.labels import read_label
from relearn.schemas.messages.feedback import Feedback, Via, decode_feedback, encode_feedback, feedback_key

WHOLE: dict[str, Any] = {
    "id": "f-1",
    "prediction": "1-2-10481-3",
    "record": "r-1",
    "label": "malignant",
    "reviewer": "ann",
    "via": "audit",
    "comment": "é",
}
LEAST: dict[str, Any] = {"id": "f-1", "record": "r-1", "label": None}


def packed(message: Any) -> bytes:
    return bytes(msgpack.packb(message))


def typed(message: Any) -> bytes:
    return json.dumps(message).encode()


def reason_of(value: bytes | None) -> str:
    with pytest.raises(BadMessage) as caught:
        decode_feedback(value)
    return caught.value.reason


@pytest.mark.parametrize("encode", [packed, typed])
def test_every_field_is_read(encode: Any) -> None:
    """MessagePack, and JSON as a person types it."""
    assert decode_feedback(encode(WHOLE)) == Feedback(
        "f-1", "malignant", Place(1, 2, 10481, 3), "r-1", "ann", "audit", "é"
    )


@pytest.mark.parametrize("encode", [packed, typed])
def test_a_name_and_a_label_are_enough(encode: Any) -> None:
    """Who doesn't say how the record came to be reviewed is a volunteer."""
    assert decode_feedback(encode({"id": "x", "prediction": "2-0-0", "label": "1"})) == Feedback(
        "x", "1", Place(0, 2, 0, 0), via="volunteer"
    )
    assert decode_feedback(encode(LEAST)) == Feedback("f-1", None, record="r-1")


@pytest.mark.parametrize("encode", [packed, typed])
def test_null_takes_back_and_no_label_at_all_is_refused(encode: Any) -> None:
    """A label that was forgotten must not undo a review."""
    assert decode_feedback(encode({**WHOLE, "label": None})).label is None
    assert reason_of(encode({name: value for name, value in WHOLE.items() if name != "label"})) == "invalid"


@pytest.mark.parametrize("encode", [packed, typed])
def test_null_is_the_same_as_not_given_everywhere_else(encode: Any) -> None:
    told = {**WHOLE, "record": None, "reviewer": None, "via": None, "comment": None}
    assert decode_feedback(encode(told)) == Feedback("f-1", "malignant", Place(1, 2, 10481, 3))


@pytest.mark.parametrize(
    ("label", "text"),
    [(3, "3"), (3.0, "3"), (-1, "-1"), (0.5, "0.5"), (1e300, str(int(1e300))), ("3.0", "3.0"), (2**60, str(2**60))],
)
@pytest.mark.parametrize("encode", [packed, typed])
def test_a_number_is_the_class_of_that_name(encode: Any, label: float | str, text: str) -> None:
    """Integral ones without a point; a text stays as it is."""
    if len(text) > 256:
        assert reason_of(encode({**WHOLE, "label": label})) == "text"
    else:
        assert decode_feedback(encode({**WHOLE, "label": label})).label == text


@pytest.mark.parametrize("name", ["id", "record", "reviewer", "comment", "label"])
@pytest.mark.parametrize("encode", [packed, typed])
def test_a_text_is_256_bytes_at_most_and_has_no_nul(encode: Any, name: str) -> None:
    longest = "é" * 128
    assert decode_feedback(encode({**WHOLE, name: longest})) is not None
    assert reason_of(encode({**WHOLE, name: longest + "x"})) == "text"
    assert reason_of(encode({**WHOLE, name: "a\0b"})) == "text"


@pytest.mark.parametrize("name", ["id", "record", "reviewer", "comment", "label"])
def test_a_text_that_utf_8_cannot_write_is_refused(name: str) -> None:
    """As JSON's escapes and as raw bytes."""
    assert reason_of(json.dumps({**WHOLE, name: "\ud800"}).encode()) in {"text", "unreadable"}
    assert reason_of(packed({**WHOLE, name: "\0"}).replace(b"\xa1\0", b"\xa1\xff")) == "unreadable"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *((name, wrong) for name in ("id", "prediction", "record", "reviewer", "via", "comment") for wrong in (7, 0.5)),
        *((name, wrong) for name in WHOLE for wrong in (True, [], ["x"], {}, {"x": "y"})),
        ("id", None),
        ("via", "Audit"),
        ("via", "shadow"),
        ("via", ""),
    ],
)
@pytest.mark.parametrize("encode", [packed, typed])
def test_a_value_of_the_wrong_type_is_refused(encode: Any, name: str, wrong: Any) -> None:
    assert reason_of(encode({**WHOLE, name: wrong})) == "unreadable"


@pytest.mark.parametrize("name", WHOLE)
def test_bytes_are_no_text(name: str) -> None:
    """MessagePack distinguishes them."""
    assert reason_of(packed({**WHOLE, name: b"x"})) == "unreadable"


@pytest.mark.parametrize(
    "message",
    [
        {**WHOLE, "id": ""},
        {"id": "x", "label": "1"},
        {"id": "x", "label": "1", "record": ""},
        {"id": "x", "label": "1", "prediction": None, "record": None},
    ],
)
@pytest.mark.parametrize("encode", [packed, typed])
def test_a_message_without_a_record_or_a_label_is_rejected(encode: Any, message: dict[str, Any]) -> None:
    """No id, or nothing that it is about."""
    assert reason_of(encode(message)) == "invalid"


@pytest.mark.parametrize("label", [float("nan"), float("inf"), float("-inf")])
def test_no_class_is_named_by_a_number_that_is_not_finite(label: float) -> None:
    assert reason_of(packed({**WHOLE, "label": label})) == "text"


@pytest.mark.parametrize(
    "prediction",
    [
        *("", "2", "2-3", "2-3-4-5-6", "a-b-c", "-1-2-3", "2--3-4", "2-3-4 ", "+2-3-4", "٢-3-4", "2.0-3-4"),
        *(f"{2**31}-0-0", f"0-{2**63}-0", f"0-0-{2**31}", f"{2**31}-0-0-0", "9" * 300),
    ],
)
def test_what_is_no_prediction_id_is_refused(prediction: str) -> None:
    """Also numbers that no row can hold; even where a record is named as well."""
    assert reason_of(packed({**WHOLE, "prediction": prediction})) == "invalid"


def test_the_largest_place_that_a_row_can_hold_is_read() -> None:
    place = Place(2**31 - 1, 2**31 - 1, 2**63 - 1, 2**31 - 1)
    assert decode_feedback(packed({**WHOLE, "prediction": str(place)})).prediction == place


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"{", "unreadable"),
        (b"{}", "unreadable"),
        (b"[]", "unreadable"),
        (b"null", "unreadable"),
        (b"\xc0", "unreadable"),
        (b"\xc1", "unreadable"),
        (packed([]), "unreadable"),
        (packed({1: 2}), "unreadable"),
        (b"\xdf\xff\xff\xff\xff", "unreadable"),
        (b"\xc6\xff\xff\xff\xff", "unreadable"),
        (b"\x81" * 100_000, "unreadable"),
        (b"\x91" * 100_000, "unreadable"),
        (b'{"id":' * 100_000, "unreadable"),
        (b'{"id": "x", "label": ' + b"9" * 100_000 + b', "record": "r"}', "unreadable"),
        (b'{"id": "x", "label": ' + b"9" * 400 + b', "record": "r"}', "text"),
        (packed(LEAST)[:-1], "unreadable"),
        (packed(LEAST) + b"\0", "unreadable"),
    ],
)
def test_hostile_bytes_are_refused(value: bytes | None, reason: str) -> None:
    assert reason_of(value) == reason


def test_unknown_keys_are_ignored() -> None:
    """Whatever they hold."""
    assert decode_feedback(packed({**LEAST, "at": 1.5, "deep": [[[{}]]]})) == decode_feedback(packed(LEAST))


def is_label(text: str) -> bool:
    """Whether a label is written so."""
    try:
        return read_label(text) == text
    except BadMessage:
        return False


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=64)
INTS = st.integers(0, 2**31 - 1)
PLACES = st.builds(Place, INTS, INTS, st.integers(0, 2**63 - 1), INTS)
REST: dict[str, Any] = {
    "id": TEXTS,
    "label": st.none() | TEXTS.filter(is_label),
    "reviewer": st.none() | TEXTS,
    "via": st.sampled_from(get_args(Via)),
    "comment": st.none() | TEXTS,
    "principal": st.none() | TEXTS,
}
FEEDBACK = st.builds(Feedback, prediction=PLACES, record=st.none() | TEXTS, **REST) | st.builds(
    Feedback, prediction=st.none(), record=TEXTS, **REST
)


@given(FEEDBACK)
def test_feedback_is_read_as_it_was_written(said: Feedback) -> None:
    assert decode_feedback(encode_feedback(said)) == said


@given(st.binary(max_size=200))
def test_random_bytes_are_refused(value: bytes) -> None:
    with pytest.raises(BadMessage):
        decode_feedback(value)


@given(st.dictionaries(st.sampled_from([*WHOLE, "x"]), st.none() | st.text() | st.integers(-10, 10) | st.binary()))
def test_a_random_map_is_read_or_refused_and_nothing_else(message: dict[str, Any]) -> None:
    """What is read can be written and read again."""
    try:
        said = decode_feedback(packed(message))
    except BadMessage:
        return
    assert decode_feedback(encode_feedback(said)) == said


@pytest.mark.parametrize("encode", [packed, typed])
def test_the_id_is_read_also_of_what_can_not_be_used(encode: Any) -> None:
    """So that the sender can read its outcome."""
    assert feedback_key(encode({"id": "x"})) == ("x", "reviewer:")
    assert feedback_key(encode({"id": "x", "reviewer": "ann", "comment": "c" * 9999})) == ("x", "reviewer:ann")
    unusable = {"id": "x", "label": ["?"], "prediction": 7, "reviewer": [], "principal": "k"}
    assert feedback_key(encode(unusable)) == ("x", "key:k")


@pytest.mark.parametrize(
    "value", [None, b"", b"{", b"\xff", packed([1]), *(typed({"id": i}) for i in ("", 7, "\0", "x" * 257))]
)
def test_what_has_no_id_that_a_row_can_hold_has_none(value: bytes | None) -> None:
    assert feedback_key(value) is None


@given(st.binary(max_size=200))
def test_reading_the_id_of_any_bytes_raises_nothing(value: bytes) -> None:
    feedback_key(value)
