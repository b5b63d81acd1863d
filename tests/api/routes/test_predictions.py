"""Stored predictions over HTTP: lists, one with its explanation, and its feedback."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from relearn.agents.learning.predict import score
from relearn.api.routes.predictions import PREDICTIONS, Newest
from relearn.schemas.http.predictions import PredictionsQuery
from relearn.schemas.model.linear_svm import Floats, Model
from tests.support.api.client import Client
from tests.support.api.filled import register, review, store
from tests.support.data.blocks import NOON_S, block_of
from tests.support.data.models import a_model
from tests.support.servers.embedded import Servers
from tests.support.servers.namespaces import as_owner
from tests.support.waiting import eventually_async

NAMES = ("x1", "x2", "x3", "x4")


def scored(model: Model, features: Floats, **given: Any) -> Any:
    """A block as the model would have scored these records."""
    scores = score(model, features)
    columns = {"classes": model.classes, "labels": scores.labels, "margins": scores.margins, "model": model.version}
    return block_of(len(features), features=features, **{**columns, **given})


async def pages(client: Client, path: str, **query: Any) -> list[list[Any]]:
    """The items of each page, to the end."""
    found, cursor = [], {}
    while True:
        page = await client.json("GET", path, params={**query, **cursor})
        found.append(page["items"])
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


async def test_a_prediction_in_a_list_has_all_that_the_contract_names(client: Client) -> None:
    block = block_of(1, ids=["r"], subjects=["s"], batches=["b"], contexts=["c"], generation=1, partition=2)
    await store(client.context.pool, block)
    (item,) = (await client.json("GET", "/v1/predictions"))["items"]
    assert item.pop("stored_at") > "2026"
    assert item == {
        "prediction": "1-2-0-0",
        "id": "r",
        "subject": "s",
        "batch": "b",
        "features": block.features[0].tolist(),
        "label": block.classes[block.labels[0]],
        "margins": block.margins[0].tolist(),
        "confidence": pytest.approx(float(block.confidence[0])),
        "model": 1,
        "activation": 1,
        "ingested_at": "2026-09-21T12:00:00+00:00",
        "scored_at": "2026-09-21T12:00:01+00:00",
        "review": None,
    }


async def test_a_list_goes_on_where_its_page_ended(client: Client) -> None:
    """Newest first, of all partitions, also with many in one millisecond and while new ones are stored."""
    pool = client.context.pool
    for partition in (0, 1):
        await store(pool, block_of(30, partition=partition, ingested_at=NOON_S + np.repeat([0.0, 1.0, 2.0], 10)))
    first = await client.json("GET", "/v1/predictions", params={"limit": 7})
    await store(pool, block_of(5, partition=2, ingested_at=np.full(5, NOON_S + 9)))
    found = [item["prediction"] for item in first["items"]]
    cursor = first["next"]
    while cursor is not None:
        page = await client.json("GET", "/v1/predictions", params={"limit": 7, "cursor": cursor})
        found += [item["prediction"] for item in page["items"]]
        cursor = page["next"]
    expected = [(second, p, o) for second in (2, 1, 0) for p in (1, 0) for o in reversed(range(10))]
    assert found == [f"{p}-{10 * second + o}-0" for second, p, o in expected]


async def test_filters_may_be_combined(client: Client) -> None:
    pool = client.context.pool
    labels = np.array([0, 1, 0, 1], np.int16)
    await store(pool, block_of(4, batches=["a", "a", "b", "b"], labels=labels))
    await store(pool, block_of(4, first_offset=4, batches=["a"] * 4, labels=labels, model=2))
    await review(pool, 0, "0-5-0", "0")
    await review(pool, 1, "0-1-0", "1")

    async def found(**query: Any) -> list[str]:
        return [item["prediction"] for page in await pages(client, "/v1/predictions", **query) for item in page]

    assert await found(batch="b") == ["0-3-0", "0-2-0"]
    assert await found(model="2", label="1") == ["0-7-0", "0-5-0"]
    assert await found(reviewed="true") == ["0-5-0", "0-1-0"]
    assert await found(reviewed="true", model="1") == ["0-1-0"]
    assert await found(reviewed="false", batch="a", label="1", limit=1) == ["0-7-0"]
    assert await found(batch="nobody's") == []


async def test_a_query_that_can_not_be_is_named(client: Client) -> None:
    for field, value in [
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "9" * 40),
        ("cursor", "made-up"),
        ("cursor", "x" * 513),
        ("model", "0"),
        ("model", str(2**63)),
        ("reviewed", "perhaps"),
        ("batch", "a\0b"),
        ("label", "x" * 257),
        ("sort", "oldest"),
    ]:
        problem = await client.json("GET", "/v1/predictions", status=400, params={field: value})
        assert problem["type"] == "urn:relearn:problem:malformed"
        assert [fault["field"] for fault in problem["errors"]] == [field]


async def test_a_cursor_of_another_list_is_refused(client: Client) -> None:
    await store(client.context.pool, block_of(3, batches=["a"] * 3))
    cursor = (await client.json("GET", "/v1/predictions", params={"limit": 1}))["next"]
    await client.json("GET", "/v1/predictions", params={"limit": 2, "cursor": cursor})
    await client.json("GET", "/v1/predictions", status=400, params={"cursor": cursor, "batch": "a"})
    await client.json("GET", "/v1/predictions/0-0-0/feedback", status=400, params={"cursor": cursor})


async def test_a_cursor_may_name_a_place_where_nothing_stands(client: Client) -> None:
    """A forged cursor with the right digest only selects a position."""
    await store(client.context.pool, block_of(3, batches=["a"] * 3))
    await review(client.context.pool, 0, "0-0-0", "1")
    least, most = -62_135_596_800_000_000, 253_402_300_799_999_999
    for query in (PredictionsQuery(), PredictionsQuery(batch="a"), PredictionsQuery(reviewed=True)):
        filters = {"batch": query.batch} if query.batch else {"reviewed": "true"} if query.reviewed else {}
        for us, found in ((least, 0), (most, 1 if query.reviewed else 3)):
            cursor = PREDICTIONS.write(Newest(us, 2**31 - 1, 2**31 - 1, 2**63 - 1, 2**31 - 1), query)
            page = await client.json("GET", "/v1/predictions", params={"cursor": cursor, **filters})
            assert len(page["items"]) == found


@pytest.mark.parametrize("classes", [("no", "yes"), ("a", "b", "c")])
async def test_one_prediction_is_explained_by_the_model_that_answered(client: Client, classes: tuple[str, ...]) -> None:
    """Not by the live model. Base and contributions add up to the stored margin."""
    features = np.random.default_rng(1).normal(size=(20, 4)) + 100
    model = dataclasses.replace(a_model(1, classes=classes), mean=np.full(4, 100.0))
    await register(client.context.pool, model, state="former")
    await register(client.context.pool, a_model(2, classes=classes, seed=9), activation=5)
    await store(client.context.pool, scored(model, features, contexts=["seen"] * 20))
    for n in range(20):
        answer = await client.json("GET", f"/v1/predictions/0-{n}-0")
        winner = 0 if len(classes) == 2 else classes.index(answer["label"])
        each = answer["contributions"]
        assert [(one["feature"], one["value"]) for one in each] == list(zip(NAMES, features[n].tolist(), strict=True))
        total = answer["base"] + sum(one["contribution"] for one in each)
        assert total == pytest.approx(answer["margins"][winner], abs=1e-9)
        assert answer["base"] == pytest.approx(score(model, model.mean[None, :]).margins[0, winner])
    assert (answer["context"], answer["reviews"], answer["disputed"]) == ("seen", [], False)
    assert len(client.context.models) == 1


async def test_without_the_model_in_the_registry_there_is_no_explanation(client: Client) -> None:
    """Nor if the model's bytes differ from the registered ones."""
    pool = client.context.pool
    await register(pool, a_model(2))
    await pool.execute("UPDATE models SET body = 'x'")
    await store(pool, block_of(1, d=4), block_of(1, d=4, first_offset=1, model=2))
    for prediction in ("0-0-0", "0-1-0"):
        answer = await client.json("GET", f"/v1/predictions/{prediction}")
        assert (answer["contributions"], answer["base"]) == (None, None)


async def test_what_reviewers_say_now_stands_with_it(client: Client) -> None:
    """Each reviewer's latest statement unless withdrawn; the latest of all counts."""
    pool = client.context.pool
    await store(pool, block_of(2, classes=("no", "yes"), labels=np.array([1, 1], np.int16)))
    await review(pool, 0, "0-0-0", "no", reviewer="ann", via="audit")
    await review(pool, 1, "0-0-0", "yes", reviewer="ann", via="queue", comment="on second thought")
    await review(pool, 2, "0-0-0", "no", reviewer="bob")
    await review(pool, 3, "0-0-0", "no", reviewer="eve")
    await review(pool, 4, "0-0-0", None, reviewer="eve")
    answer = await client.json("GET", "/v1/predictions/0-0-0")
    bob = {"label": "no", "reviewer": "bob", "at": answer["review"]["at"], "via": "volunteer", "feedback": "f2"}
    assert answer["review"] == bob
    assert [(one["reviewer"], one["label"], one["via"]) for one in answer["reviews"]] == [
        ("ann", "yes", "queue"),
        ("bob", "no", "volunteer"),
    ]
    assert answer["disputed"]
    newest, reviewed = (await client.json("GET", "/v1/predictions"))["items"]
    assert (newest["review"], reviewed["review"]) == (None, bob)


async def test_everything_that_was_said_is_told_and_what_counts_in_its_place(client: Client) -> None:
    pool = client.context.pool
    await store(pool, block_of(1))
    for number, (reviewer, label) in enumerate([("ann", "0"), ("ann", "1"), ("bob", "0"), ("eve", "1"), ("eve", None)]):
        await review(pool, number, "0-0-0", label, reviewer=reviewer, comment=f"c{number}")
    found = await pages(client, "/v1/predictions/0-0-0/feedback", limit=2)
    assert [len(page) for page in found] == [2, 2, 1]
    said = [item for page in found for item in page]
    assert [(item["feedback"], item["label"], item["superseded_by"]) for item in said] == [
        ("f4", None, None),
        ("f3", "1", "f4"),
        ("f2", "0", None),
        ("f1", "1", "f2"),
        ("f0", "0", "f1"),
    ]
    assert (said[0]["reviewer"], said[0]["comment"], said[0]["via"]) == ("eve", "c4", "volunteer")
    assert said[0]["at"] > said[1]["at"]


async def test_what_was_said_outlives_the_prediction(client: Client) -> None:
    pool = client.context.pool
    await store(pool, block_of(1))
    await review(pool, 0, "0-0-0", "0")
    await as_owner(client.settings, "DROP TABLE predictions_20260921")
    await client.json("GET", "/v1/predictions/0-0-0", status=404)
    assert len((await client.json("GET", "/v1/predictions/0-0-0/feedback"))["items"]) == 1
    assert (await client.json("GET", "/v1/predictions", params={"reviewed": "true"})) == {"items": [], "next": None}


async def test_an_id_that_nothing_has_is_not_found_or_no_id(client: Client) -> None:
    for prediction, status in [
        ("0-0-0", 404),
        (f"{2**31 - 1}-{2**31 - 1}-{2**63 - 1}-{2**31 - 1}", 404),
        (f"0-{2**63}-0", 400),
        (f"{2**31}-0-0", 400),
        ("9" * 19 + "-0-0", 400),
        ("0-0", 400),
        ("0-0-0%00", 400),
        ("0-0-0%0A", 400),
        ("%C3%A9", 400),
        ("%FF", 400),
    ]:
        for path in (f"/v1/predictions/{prediction}", f"/v1/predictions/{prediction}/feedback"):
            await client.json("GET", path, status=status)


async def test_postgres_away_is_503_and_over_when_it_is_back(client: Client, servers: Servers) -> None:
    await store(client.context.pool, block_of(1))
    paths = ("/v1/predictions", "/v1/predictions/0-0-0", "/v1/predictions/0-0-0/feedback")
    with servers.postgres.away():
        for path in paths:
            problem = await client.json("GET", path, status=503)
            assert problem["type"] == "urn:relearn:problem:unavailable"
    for path in paths:
        await eventually_async(lambda: client.context.health.states["postgres"].ok, "Postgres isn't back")
        await client.json("GET", path)


async def test_redis_away_is_no_matter(client: Client, servers: Servers) -> None:
    await store(client.context.pool, block_of(1))
    with servers.valkey.away():
        assert len((await client.json("GET", "/v1/predictions"))["items"]) == 1
