"""Synchronous scoring with the process's live model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relearn.agents.learning.predict import score
from tests.support.api.client import Client
from tests.support.data.models import a_model, publish
from tests.support.waiting import eventually_async

MODEL = a_model(3, classes=("benign", "malignant"))


async def test_rows_are_scored_by_the_live_model(client: Client) -> None:
    client.serve(MODEL)
    rows = np.random.default_rng(0).normal(size=(7, 4))
    answer = await client.json("POST", "/v1/predict", json={"features": rows.tolist()})
    expected = score(MODEL, rows)
    assert answer["model"] == 3
    assert answer["labels"] == [MODEL.classes[i] for i in expected.labels]
    np.testing.assert_array_equal(answer["margins"], expected.margins)
    assert answer["confidence"] == [None] * 7


async def test_a_row_may_name_its_features_in_any_order(client: Client) -> None:
    client.serve(MODEL)
    by_place = await client.json("POST", "/v1/predict", json={"features": [[1, 2, 3, 4]]})
    named = {"x4": 4, "x3": 3, "x2": 2, "x1": 1}
    assert await client.json("POST", "/v1/predict", json={"features": [named]}) == by_place


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ([1, 2, 3], "3 values; the schema has 4 features"),
        ({"x1": 1, "x2": 2, "x3": 3}, "x4: missing"),
        ({"x1": 1, "x2": 2, "x3": 3, "x4": 4, "x5": 5}, "x5: no such feature"),
    ],
)
async def test_a_row_that_does_not_fit_is_named(client: Client, row: object, fault: str) -> None:
    client.serve(MODEL)
    body = {"features": [[1, 2, 3, 4], row]}
    problem = await client.json("POST", "/v1/predict", status=422, json=body)
    assert problem["type"] == "urn:relearn:problem:invalid"
    assert problem["errors"] == [{"field": "features[1]", "detail": fault}]


async def test_a_row_whose_margin_overflows_is_named(client: Client) -> None:
    """As in the stream, where the record is a dead letter: JSON can't hold the margin."""
    client.serve(replace(MODEL, weights=np.full((1, 4), 10.0)))
    body = {"features": [[1, 2, 3, 4], [1e308, 0, 0, 0], [1e308, -1e308, 0, 0]]}
    problem = await client.json("POST", "/v1/predict", status=422, json=body)
    assert [one["field"] for one in problem["errors"]] == ["features[1]", "features[2]"]
    assert "larger than any float64" in problem["detail"]


async def test_without_a_model_it_says_so(client: Client) -> None:
    problem = await client.json("POST", "/v1/predict", status=503, json={"features": [[1, 2, 3, 4]]})
    assert "No model is live yet" in problem["detail"]


async def test_a_model_on_the_topic_goes_live_here_too(client: Client) -> None:
    publish(client.settings, MODEL, 1)
    await eventually_async(lambda: client.context.live.current is not None, "not live")
    answer = await client.json("POST", "/v1/predict", json={"features": [[1, 2, 3, 4]]})
    assert answer["model"] == 3
