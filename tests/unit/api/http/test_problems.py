"""The problem of an incomplete write."""

from __future__ import annotations

import json

from relearn.api.http.problems import incomplete_write, problem_response
from relearn.schemas.errors import KafkaUnavailable


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
