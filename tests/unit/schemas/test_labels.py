"""One label for each spelling, at every place where labels enter."""

from __future__ import annotations

import csv
import json
import tempfile
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.api.http.problems import ProblemError
from relearn.api.review.batch import read_verdicts
from relearn.api.routes import feedback as feedback_route
from relearn.schemas.errors import BadFile, BadMessage
from relearn.schemas.http.batches import BatchReviewBody
from relearn.schemas.http.feedback import FeedbackBody
from relearn.schemas.labels import LabelSpellings, read_label
from relearn.schemas.messages.feedback import decode_feedback
from relearn.scripts.tables.csv import read_csv

READ = {
    "a text stands as it is": ("007", "007"),
    "a text in the form of a number": ("1E5", "1E5"),
    "spaces at the ends": (" setosa\t", "setosa"),
    "other spaces at the ends": ("\u00a0setosa\u3000", "setosa"),
    "zero-width characters at the ends": ("\ufeffsetosa\u200b \u2060", "setosa"),
    "a letter composed of two": ("e\u0301te\u0301", "\u00e9t\u00e9"),
    "a joiner that changes the writing": ("\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937"),
    "a non-joiner between Arabic letters": ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
    "a sign joined of two": ("\U0001f469\u200d\U0001f4bb", "\U0001f469\u200d\U0001f4bb"),
    "an integer": (7, "7"),
    "an integral number": (7.0, "7"),
    "minus zero": (-0.0, "0"),
    "a fraction": (0.1, "0.1"),
    "an integer above 2**53": (2**53 + 1, "9007199254740993"),
    "an integer above 2**64": (10**30 + 1, "1000000000000000000000000000001"),
}
REFUSED = {
    "nothing": "",
    "spaces": " \u2003",
    "zero-width characters": "\u200b\u200d\ufeff",
    "blank letters": "\u3164\u115f\u2800",
    "a zero-width space inside": "set\u200bosa",
    "a joiner between letters that don't join": "set\u200dosa",
    "a variant of a letter": "a\ufe0fb",
    "a direction": "a\u202eb",
    "a line separator": "a\u2028b",
    "a control character": "a\x1bb",
    "NUL": "a\0",
    "257 bytes": "x" * 257,
    "257 bytes of two each": "\u00e9" * 129,
    "infinity": float("inf"),
    "NaN": float("nan"),
    "a number of 301 digits": 1e300,
    "an integer of 5,000 digits": 10**5000,
    "a truth value": True,
}


@pytest.mark.parametrize("case", READ)
def test_a_label_has_one_spelling(case: str) -> None:
    """Texts as they stand, trimmed and composed; numbers as their shortest text."""
    written, label = READ[case]
    assert read_label(written) == label


@pytest.mark.parametrize("case", REFUSED)
def test_a_label_that_no_class_can_have_is_refused(case: str) -> None:
    """With the reason `text`."""
    with pytest.raises(BadMessage) as raised:
        read_label(REFUSED[case])
    assert raised.value.reason == "text"


ANY_TEXT = st.text(max_size=20) | st.text(
    st.sampled_from("ab e\u0301\u00e9\u200b\u200c\u200d\u2060\ufeff\ufe0f\u3164\u00a0\u0915\u094d\u0645\u2600\x1b7"),
    max_size=12,
)


@given(ANY_TEXT)
def test_a_label_read_again_is_the_same_label(written: str) -> None:
    """And NFC, visible at both ends, at most 256 bytes."""
    try:
        label = read_label(written)
    except BadMessage:
        return
    assert read_label(label) == label == unicodedata.normalize("NFC", label)
    assert 0 < len(label.encode()) <= 256
    assert label == label.strip()


@given(ANY_TEXT, st.sampled_from((" ", "\u200b", "\ufeff", "\u00a0", "\t")))
def test_what_cannot_be_seen_at_the_ends_makes_no_other_label(written: str, around: str) -> None:
    """Padded, and in decomposed letters."""
    assert _outcome(read_label, written) == _outcome(read_label, around + written + around)
    assert _outcome(read_label, written) == _outcome(read_label, unicodedata.normalize("NFD", written))


def _outcome(read: Callable[[Any], str | None], written: object) -> str | None:
    """The label; None: refused."""
    try:
        return read(written)
    except (BadMessage, ProblemError, BadFile, msgspec.ValidationError, msgspec.DecodeError):
        return None


def _by_packed_message(written: object) -> str | None:
    return decode_feedback(msgpack.packb({"id": "1", "record": "r", "label": written})).label


def _by_json_message(written: object) -> str | None:
    return decode_feedback(json.dumps({"id": "1", "record": "r", "label": written}).encode()).label


def _by_api(written: object) -> str | None:
    body = msgspec.json.decode(json.dumps({"record": "r", "label": written}), type=FeedbackBody)
    return feedback_route._read(body.items(), alone=True)[1][0]


def _by_batch_review(written: object) -> str | None:
    body = msgspec.json.decode(json.dumps({"subjects": ["s"], "labels": [written]}), type=BatchReviewBody)
    return read_verdicts(body).subjects["s"].label


def _by_csv(written: object) -> str | None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "file.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, quoting=csv.QUOTE_ALL).writerows([("x", "label"), (1, written)])
        labels = read_csv(str(path), "label").labels
    assert labels is not None
    return labels[0]


DOORS = {
    "MessagePack on the feedback topic": _by_packed_message,
    "JSON on the feedback topic": _by_json_message,
    "POST /v1/feedback": _by_api,
    "PATCH /v1/batches/{id}": _by_batch_review,
}


@given(ANY_TEXT.filter(lambda text: text.isprintable() or "\x1b" not in text))
def test_every_door_reads_a_text_as_the_same_label(written: str) -> None:
    """Or all of them refuse it."""
    outcomes = {name: _outcome(read, written) for name, read in {**DOORS, "a CSV file": _by_csv}.items()}
    assert set(outcomes.values()) == {_outcome(read_label, written)}, outcomes


@given(
    st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.sampled_from((2**53, 2**53 + 1, -(2**53) - 1, 1e22, 1e16, 5e-324, 1.7e308, -0.0))
)
def test_every_door_reads_a_number_as_the_same_label(written: float) -> None:
    """Or all of them refuse it."""
    outcomes = {name: _outcome(read, written) for name, read in DOORS.items()}
    assert set(outcomes.values()) == {_outcome(read_label, written)}, outcomes


@given(st.integers(min_value=2**64, max_value=10**400))
def test_json_integers_of_any_size_are_exact_or_refused(written: int) -> None:
    """MessagePack has no such integers."""
    outcomes = {name: _outcome(read, written) for name, read in DOORS.items() if "MessagePack" not in name}
    assert set(outcomes.values()) == {str(written) if len(str(written)) <= 256 else None}, outcomes


def test_one_load_has_one_spelling_of_a_label() -> None:
    """The refusal names both spellings; other labels that only look like numbers stay apart."""
    spellings = LabelSpellings()
    assert [spellings.read(one) for one in ("7", "007", "7", "\u00e9", "\u00e9")] == [
        "7",
        "007",
        "7",
        "\u00e9",
        "\u00e9",
    ]
    with pytest.raises(BadMessage, match=r"'e\\u0301' has another spelling here, '\\xe9'"):
        spellings.read("e\u0301")
