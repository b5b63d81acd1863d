"""A review of a batch as feedback: contradictions are named, and ratings become labels."""

from __future__ import annotations

from typing import Any

import pytest

from relearn.api.http.problems import ProblemError
from relearn.api.queries.batch_rows import BatchRow
from relearn.api.review.batch import Verdict, check_known, confirmation_of, feedback_on, read_verdicts, verdict_on
from relearn.schemas.http.batches import BatchReviewBody
from relearn.schemas.identity import Place


def a_row(offset: int = 0, *, subject: str | None = "s", label: str = "no", model: int = 1) -> BatchRow:
    return BatchRow(Place(0, 0, offset, 0), subject, label, model)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "subjects"),
        ({"subjects": []}, "subjects"),
        ({"subjects": ["a"]}, "ratings"),
        ({"ratings": [1]}, "subjects"),
        ({"ratings": [1], "confirm_rest": True}, "ratings"),
        ({"subjects": ["a"], "predictions": ["0-0-0"], "ratings": [1]}, "predictions"),
        ({"subjects": ["a"], "ratings": [1], "labels": ["x"]}, "labels"),
        ({"subjects": ["a", "b"], "ratings": [1]}, "ratings"),
        ({"predictions": ["0-0-0"], "labels": ["x", "y"]}, "labels"),
        ({"subjects": ["a", "b", "a"], "ratings": [1, 1, 1]}, "subjects[0]"),
        ({"predictions": ["0-0-0", "0-0-0-0"], "ratings": [1, 1]}, "predictions[0]"),
        ({"predictions": ["0-0-0", "9999999999-0-0"], "ratings": [1, 1]}, "predictions[1]"),
        ({"subjects": ["a", "é" * 129], "ratings": [1, 1]}, "subjects[1]"),
        ({"subjects": ["a", "b"], "labels": ["x", 1e300]}, "labels[1]"),
    ],
)
def test_what_contradicts_itself_or_says_nothing_is_named(given: dict[str, Any], field: str) -> None:
    with pytest.raises(ProblemError) as raised:
        read_verdicts(BatchReviewBody(**given))
    assert raised.value.kind == "invalid"
    assert raised.value.faults[0].field == field


def test_ratings_and_labels_belong_to_what_is_named_in_order() -> None:
    by_subject = read_verdicts(BatchReviewBody(subjects=["a", "b"], ratings=[0, 1]))
    assert dict(by_subject.subjects) == {"a": Verdict(0), "b": Verdict(1)}
    by_place = read_verdicts(BatchReviewBody(predictions=["1-2-3", "4-5-6-7"], labels=[3.0, None]))
    assert dict(by_place.places) == {Place(0, 1, 2, 3): Verdict(None, "3"), Place(4, 5, 6, 7): Verdict(None, None)}
    assert verdict_on(a_row(subject="b"), by_subject) == Verdict(1)


def test_what_the_batch_does_not_hold_is_named() -> None:
    rows = [a_row(1, subject="a")]
    with pytest.raises(ProblemError) as raised:
        check_known(read_verdicts(BatchReviewBody(subjects=["a", "b"], ratings=[1, 1])), rows)
    assert [one.field for one in raised.value.faults] == ["subjects[1]"]
    with pytest.raises(ProblemError) as raised:
        check_known(read_verdicts(BatchReviewBody(predictions=["0-0-0", "0-1-0"], ratings=[1, 1])), rows)
    assert [one.field for one in raised.value.faults] == ["predictions[0]"]


def test_a_rating_confirms_or_means_the_other_of_two_classes() -> None:
    row, classes = a_row(label="no"), {1: ("no", "yes")}
    assert feedback_on(row, Verdict(1), {}, "ann").label == "no"
    said = feedback_on(row, Verdict(0), classes, "ann")
    assert (said.label, said.prediction, said.reviewer, said.via) == ("yes", row.place, "ann", "batch")


@pytest.mark.parametrize("classes", [{}, {2: ("no", "yes")}, {1: ("no", "yes", "maybe")}, {1: ("a", "b")}])
def test_a_rating_of_0_needs_a_label_where_the_other_class_does_not_follow(classes: Any) -> None:
    with pytest.raises(ProblemError) as raised:
        feedback_on(a_row(label="no"), Verdict(0), classes, None)
    assert raised.value.kind == "malformed"
    assert "`labels`" in raised.value.detail


def test_the_same_reviewer_confirms_a_row_once() -> None:
    assert confirmation_of(a_row(1), "ns", "ann") == confirmation_of(a_row(1), "ns", "ann")
    others = {
        confirmation_of(a_row(1), "ns", "bob").id,
        confirmation_of(a_row(2), "ns", "ann").id,
        confirmation_of(a_row(1), "x", "ann").id,
    }
    assert confirmation_of(a_row(1), "ns", "ann").id not in others
    assert len(others) == 3
