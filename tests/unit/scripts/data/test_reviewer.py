"""The statements of a simulated reviewer: the oracle's label, with a share of errors, once per prediction."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from relearn.agents.learning.review_choice import Candidate
from relearn.agents.learning.training_set import example_key
from relearn.agents.stores.predictions.review_candidates import StreamEnd
from relearn.schemas.errors import BadFile
from relearn.schemas.features import numbers_alone
from relearn.schemas.identity import Place
from relearn.schemas.messages.feedback import Feedback
from relearn.scripts.data.datasets import Dataset
from relearn.scripts.data.ground_truth import Oracle, oracle_of
from relearn.scripts.data.reviewer import Reviewer

FEATURES = np.arange(12.0).reshape(6, 2)
DATASET = Dataset(
    "set", numbers_alone(("x", "y")), FEATURES, ("a", "b", "a", "b", "a", "c"), tuple(f"s{i}" for i in range(6))
)


def look(*keys: str, predicted: str = "a", first: int = 0, said: tuple[str, ...] = (), reached: int = 0) -> StreamEnd:
    """A candidate for each key, one offset after the other."""
    found = [Candidate(Place(0, 0, first + i, 0), key, (9.0, 9.0), predicted, 0.5, False) for i, key in enumerate(keys)]
    return StreamEnd(found, frozenset(said), {(0, 0): reached})


def reviewer(**given: Any) -> Reviewer:
    told: dict[str, Any] = {"audit_share": 0.2, "error": 0.0, "only_errors": False, **given}
    return Reviewer(oracle_of(DATASET), "ns", "me", rng=np.random.default_rng(0), **told)


def said(one: Reviewer, seen: StreamEnd) -> dict[int, str | None]:
    """Label by offset."""
    return {feedback.prediction.offset: feedback.label for feedback, _ in one.answers(seen) if feedback.prediction}


def test_the_truth_is_that_of_the_subject_and_else_of_the_features() -> None:
    oracle = oracle_of(DATASET)
    assert oracle.truth("s1", (9.0, 9.0)) == "b"
    assert oracle.truth("another", (2.0, 3.0)) == "b"
    assert oracle.truth(example_key(None, FEATURES[5]), FEATURES[5].tolist()) == "c"
    assert oracle.truth("another", (2.0, 3.5)) is None
    assert oracle.classes == ("a", "b", "c")


def test_columns_in_another_order_are_the_same_features() -> None:
    """Where the names say so; columns with other names stay as they stand."""
    assert oracle_of(DATASET, numbers_alone(("y", "x"))).truth("?", (3.0, 2.0)) == "b"
    assert oracle_of(DATASET, numbers_alone(("u", "v"))).truth("?", (2.0, 3.0)) == "b"


def test_an_oracle_without_labels_asks_for_their_column() -> None:
    with pytest.raises(BadFile, match="--label"):
        oracle_of(Dataset("set", numbers_alone(("x", "y")), FEATURES, None, DATASET.subjects))


def test_every_record_is_answered_once_however_often_it_is_seen() -> None:
    """Also before the answer is stored; one per key in a look, the others in the next ones."""
    one, seen = reviewer(), look("s0", "s1", "s1", "s2")
    first, second = said(one, seen), said(one, seen)
    assert len(first) == 3
    assert len(second) == 1
    assert {**first, **second} == {0: "a", 1: "b", 2: "b", 3: "a"}
    assert said(one, seen) == {}


def test_keys_that_were_spoken_of_lately_wait() -> None:
    one = reviewer(audit_share=0.0)
    answers = [str(feedback.prediction) for feedback, _ in one.answers(look("s0", "s1", said=("s0",)))]
    assert answers == ["0-1-0", "0-0-0"]


def test_a_correction_is_told_from_a_confirmation() -> None:
    found = {feedback.label: corrects for feedback, corrects in reviewer().answers(look("s0", "s1"))}
    assert found == {"a": False, "b": True}


def test_what_the_oracle_does_not_know_is_skipped_and_counted_once() -> None:
    one, seen = reviewer(), look("s0", "nobody", "s1")
    assert said(one, seen).keys() == {0, 2}
    assert said(one, seen) == {}
    assert one.unknown == 1


def test_only_errors_says_nothing_of_what_seems_right() -> None:
    """And looks at each once, so that in the end not everything is called wrong by mistake."""
    one = reviewer(only_errors=True, error=0.3)
    seen = look(*("s0" for _ in range(300)))
    answers = []
    for _ in range(400):
        answers += list(one.answers(seen))
    assert {(feedback.via, corrects) for feedback, corrects in answers} == {("volunteer", True)}
    assert 60 < len(answers) < 120
    assert len(one.handled) == 300


def test_mistakes_are_as_likely_as_asked_for_and_never_the_right_label() -> None:
    one, labels = reviewer(error=0.25), Counter[str | None]()
    for first in range(4000):
        labels.update(said(one, look("s1", first=first)).values())
    assert labels["b"] / labels.total() == pytest.approx(0.75, abs=0.03)
    assert labels["a"] == pytest.approx(labels["c"], rel=0.25)


def test_feedback_is_the_same_for_the_same_reviewer_and_prediction() -> None:
    """So that another run, or another process, changes nothing."""

    def made(**given: Any) -> Feedback:
        one = reviewer()
        for name, value in given.items():
            setattr(one, name, value)
        return next(one.answers(look("s0")))[0]

    assert made() == made()
    assert len({made().id, made(name="you").id, made(namespace="other").id}) == 3
    assert (made().prediction, made().reviewer, made().record) == (Place(0, 0, 0, 0), "me", None)


def test_what_no_look_will_show_again_is_forgotten() -> None:
    one = reviewer()
    said(one, look("s0", "s1", "s2"))
    said(one, look("s3", first=9, reached=2))
    assert {place.offset for place in one.handled} == {2, 9}


def test_of_rows_that_are_alike_the_last_counts() -> None:
    twice = Dataset("set", numbers_alone(("x",)), np.ones((2, 1)), ("a", "b"), ("s", "s"))
    oracle: Oracle = oracle_of(twice)
    assert oracle.truth("s", (1.0,)) == oracle.truth("?", (1.0,)) == "b"


def test_while_something_drifts_at_least_half_of_the_records_are_picked_at_random() -> None:
    keys = [f"subject-{i}" for i in range(400)]
    seen, known = look(*keys), Oracle("set", ("a", "b"), dict.fromkeys(keys, "a"), {})

    def audits(at_the_end: StreamEnd) -> int:
        person = Reviewer(known, "ns", "me", 0.2, 0.0, False, np.random.default_rng(0))
        return Counter(feedback.via for feedback, _ in person.answers(at_the_end))["audit"]

    assert 50 < audits(seen) < 110
    assert 160 < audits(replace(seen, drifted=("x",))) < 240
