"""A stored batch is reviewed in one call: each of its predictions gets its statement on the `feedback` topic."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from relearn.api.server import app
from relearn.api.writes import outbox
from relearn.schemas.messages.feedback import Feedback, decode_feedback
from relearn.schemas.settings import Settings
from tests.support.api.client import Client, serving
from tests.support.data.blocks import block_of
from tests.support.data.models import a_model
from tests.support.data.registered import register
from tests.support.data.retrains import load
from tests.support.data.reviewed import review
from tests.support.data.rows import messages
from tests.support.data.stored import store

#: More than any broker takes for what is sent at once.
PATIENT_S = 60.0


async def stored(client: Client, n: int, *, batch: str = "b", first: int = 0, **given: Any) -> None:
    """n predictions of model 1 in one batch, of subjects s0, s1 …: labels 0, 1, 0, 1 …"""
    columns: dict[str, Any] = {
        "batches": [batch] * n,
        "subjects": [f"s{i}" for i in range(n)],
        "labels": (np.arange(n) % 2).astype(np.int16),
    }
    await store(client.context.pool, block_of(n, first_offset=first, **{**columns, **given}))


async def patch(client: Client, status: int = 202, batch: str = "b", **body: Any) -> Any:
    return await client.json("PATCH", f"/v1/batches/{batch}", status=status, json=body)


async def statements(client: Client) -> dict[str, Feedback]:
    """The messages on `feedback` by id."""
    found = await asyncio.to_thread(messages, client.settings, "feedback")
    return {one.id: one for one in (decode_feedback(message.value()) for message in found)}


async def labels(client: Client, answer: Any) -> list[tuple[str, str | None]]:
    """Predictions and labels of the messages, in the order of the response."""
    said = await statements(client)
    assert [str(said[one].prediction) for one in answer["ids"]] == answer["predictions"]
    assert {said[one].via for one in answer["ids"]} <= {"batch"}
    return [(str(said[one].prediction), said[one].label) for one in answer["ids"]]


async def test_ratings_confirm_or_name_the_other_of_two_classes(client: Client) -> None:
    client.serve(a_model(1))
    await stored(client, 4)
    answer = await patch(client, subjects=["s3", "s0", "s1"], ratings=[0, 0, 1], reviewer="ann")
    assert (answer["batch_id"], answer["more"]) == ("b", False)
    assert await labels(client, answer) == [("0-3-0", "0"), ("0-0-0", "1"), ("0-1-0", "1")]
    assert {one.reviewer for one in (await statements(client)).values()} == {"ann"}


async def test_the_classes_are_those_of_the_model_that_answered(client: Client) -> None:
    """Not those of the live model, which has three here."""
    client.serve(a_model(7, classes=("0", "1", "2")))
    await asyncio.to_thread(load, client.settings, 14)
    version = await asyncio.to_thread(register, client.settings)
    await stored(client, 2, classes=("no", "yes"), model=version)
    answer = await patch(client, subjects=["s0"], ratings=[0])
    assert await labels(client, answer) == [("0-0-0", "yes")]


async def test_of_more_classes_a_rating_of_0_needs_a_label(client: Client) -> None:
    client.serve(a_model(1, classes=("0", "1", "2")))
    await stored(client, 2)
    problem = await patch(client, 400, subjects=["s0", "s1"], ratings=[1, 0])
    assert (problem["type"], "`labels`" in problem["detail"]) == ("urn:relearn:problem:malformed", True)
    assert await statements(client) == {}
    answer = await patch(client, subjects=["s0", "s1"], labels=["2", None])
    assert await labels(client, answer) == [("0-0-0", "2"), ("0-1-0", None)]


async def test_a_subject_stands_for_all_its_records_in_this_batch_alone(client: Client) -> None:
    await stored(client, 3, subjects=["s", "t", "s"])
    await stored(client, 1, batch="other", first=3, subjects=["s"])
    answer = await patch(client, subjects=["s"], labels=["1"])
    assert await labels(client, answer) == [("0-0-0", "1"), ("0-2-0", "1")]


async def test_records_without_a_subject_are_named_by_their_ids(client: Client) -> None:
    await stored(client, 3, subjects=[None] * 3)
    answer = await patch(client, predictions=["0-2-0", "0-0-0"], ratings=[1, 1])
    assert await labels(client, answer) == [("0-2-0", "0"), ("0-0-0", "0")]


async def test_what_is_not_in_the_batch_is_named_and_nothing_is_said(client: Client) -> None:
    await stored(client, 2)
    await stored(client, 1, batch="other", first=2)
    problem = await patch(client, 422, subjects=["s0", "x"], ratings=[1, 1])
    assert problem["errors"] == [{"field": "subjects[1]", "detail": "no stored record of this batch is about 'x'"}]
    problem = await patch(client, 422, predictions=["0-0-0", "0-2-0"], ratings=[1, 1])
    assert problem["errors"] == [{"field": "predictions[1]", "detail": "0-2-0 isn't stored in this batch"}]
    problem = await patch(client, 422, subjects=["s0", "s0"], ratings=[1, 1])
    assert problem["errors"][0] == {"field": "subjects[0]", "detail": "'s0' is given twice"}
    assert await statements(client) == {}


async def test_a_batch_that_is_not_stored_is_not_there(client: Client) -> None:
    for batch in ("nothing", "a%2Fb", "%00"):
        async with client.http.patch(f"/v1/batches/{batch}", json={"confirm_rest": True}) as response:
            assert response.status == (400 if batch == "%00" else 404), await response.text()


async def test_a_batch_may_have_any_name(client: Client) -> None:
    await stored(client, 1, batch="a/b é")
    assert (await patch(client, batch="a%2Fb%20%C3%A9", confirm_rest=True))["batch_id"] == "a/b é"


async def test_the_rest_is_what_nobody_has_reviewed_and_is_not_named(client: Client) -> None:
    client.serve(a_model(1))
    await stored(client, 6)
    await asyncio.to_thread(review, client.settings, [2], ["1"])
    answer = await patch(client, subjects=["s4"], ratings=[0], confirm_rest=True)
    said = await labels(client, answer)
    assert said[0] == ("0-4-0", "1")
    assert sorted(said[1:]) == [("0-0-0", "0"), ("0-1-0", "1"), ("0-3-0", "1"), ("0-5-0", "1")]


async def test_confirming_the_rest_again_says_the_same(client: Client) -> None:
    """The first call's statements may not be stored yet: they have the same ids, so they count once."""
    await stored(client, 3)
    first, second = await patch(client, confirm_rest=True), await patch(client, confirm_rest=True)
    assert first == second
    assert len(await statements(client)) == 3


async def test_ten_thousand_are_confirmed_at_once_and_no_more(
    migrated: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the broker needs long for all of them."""
    monkeypatch.setattr(app, "ACKNOWLEDGE_TIMEOUT_S", PATIENT_S)
    monkeypatch.setattr(outbox, "SEND_TIMEOUT_S", PATIENT_S)
    async with serving(migrated) as client:
        await stored(client, 10_002)
        answer = await patch(client, subjects=["s0"], labels=["1"], confirm_rest=True)
        assert (len(answer["ids"]), answer["more"]) == (10_000, True)
        assert len(await statements(client)) == 10_000
