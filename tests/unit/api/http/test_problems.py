"""Problems: an incomplete write, and values of the wrong form."""

from __future__ import annotations

import json

import msgspec
import pytest

from relearn.api.http.problems import incomplete_write, invalid_value, problem_response
from relearn.schemas.errors import KafkaUnavailable
from relearn.schemas.http.ingest import BatchBody
from relearn.schemas.http.predictions import PredictionPath


def test_of_a_write_that_broke_off_the_ids_that_are_there_are_told() -> None:
    failure = incomplete_write(KafkaUnavailable("Kafka: away"), ["0-0-0", None, "0-1-0"])
    response = problem_response(failure, "r")
    problem = json.loads(response.body)
    assert (response.status, response.headers["Retry-After"]) == (503, "1")
    assert problem["taken"] == ["0-0-0", None, "0-1-0"]
    assert "2 of 3 are written" in problem["detail"]


def test_where_nothing_is_there_no_ids_are_told() -> None:
    problem = json.loads(problem_response(incomplete_write(KafkaUnavailable("Kafka: away"), [None, None]), "r").body)
    assert "taken" not in problem


@pytest.mark.parametrize(
    ("value", "type_", "field", "words"),
    [
        ({"id": "order-7"}, PredictionPath, "id", "Expected the id of a prediction, such as `2-10481-0`"),
        ({"features": [[1.0]], "batch": "a\0"}, BatchBody, "batch", "Expected text without the character NUL"),
    ],
)
def test_a_pattern_is_told_in_words(value: object, type_: type, field: str, words: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(value, type_)
    problem = invalid_value(caught.value)
    assert (problem.faults[0].field, problem.detail.startswith(words)) == (field, True), problem.detail
    assert problem.faults[0].detail.startswith(words)
