"""The Open Inference Protocol, with Triton's own client and with plain requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import quote

import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from relearn.agents.learning.predict import predict
from relearn.schemas.model.linear_svm import Model
from tests.support.api.client import Client
from tests.support.api.filled import register
from tests.support.data.models import a_model
from tests.support.servers.embedded import Servers

T = TypeVar("T")
TWO = a_model(3, classes=("benign", "malignant"))
MANY = a_model(4, classes=("a", "b", "ü"))
ROWS = np.random.default_rng(1).normal(size=(5, 4))
INFER = "/v2/models/svm/infer"


async def _with_triton(client: Client, ask: Callable[[Any], T]) -> T:
    """The result of `ask` with a client of its own, in a thread, since the client blocks."""
    address = f"{client.http.host}:{client.http.port}"

    def work() -> T:
        with triton.InferenceServerClient(address) as found:
            return ask(found)

    return await asyncio.to_thread(work)


@pytest.mark.parametrize("model", [TWO, MANY])
@pytest.mark.parametrize("packed_in", [False, True])
@pytest.mark.parametrize("packed_out", [False, True])
@pytest.mark.parametrize("datatype", ["FP64", "FP32"])
async def test_tensors_come_back_as_the_model_says(
    client: Client, model: Model, packed_in: bool, packed_out: bool, datatype: str
) -> None:
    client.serve(model)
    rows = ROWS.astype(np.float64 if datatype == "FP64" else np.float32)

    def ask(found: Any) -> Any:
        given = triton.InferInput("features", list(rows.shape), datatype)
        given.set_data_from_numpy(rows, binary_data=packed_in)
        wanted = [triton.InferRequestedOutput(name, binary_data=packed_out) for name in ("label", "margin")]
        answer = found.infer("svm", [given], outputs=wanted, request_id="mine")
        return answer.as_numpy("label"), answer.as_numpy("margin"), answer.get_response()

    labels, margins, response = await _with_triton(client, ask)
    expected_labels, expected = predict(model, rows.astype(np.float64))
    np.testing.assert_array_equal(margins, expected)
    texts = [label.decode() if isinstance(label, bytes) else label for label in labels]
    assert texts == [model.classes[i] for i in expected_labels]
    assert (response["model_version"], response["id"]) == (str(model.version), "mine")


async def test_a_client_learns_what_there_is(client: Client) -> None:
    client.serve(TWO)

    def ask(found: Any) -> Any:
        assert found.is_server_live()
        assert found.is_server_ready()
        assert found.is_model_ready("svm")
        assert found.is_model_ready("svm", "3")
        assert not found.is_model_ready("svm", "2")
        assert not found.is_model_ready("other")
        assert found.get_server_metadata()["extensions"] == ["binary_tensor_data"]
        return found.get_model_metadata("svm", "3")

    metadata = await _with_triton(client, ask)
    assert metadata["inputs"] == [{"name": "features", "datatype": "FP64", "shape": [-1, 4]}]
    assert [one["name"] for one in metadata["outputs"]] == ["label", "margin"]


async def test_before_the_first_model_it_is_alive_but_not_ready(client: Client) -> None:
    def ask(found: Any) -> tuple[bool, bool]:
        return found.is_server_live(), found.is_server_ready()

    assert await _with_triton(client, ask) == (True, False)


async def test_a_swap_is_seen_by_the_next_request(client: Client) -> None:
    client.serve(TWO, 1)
    body = {"inputs": [{"name": "features", "shape": [1, 4], "datatype": "FP64", "data": [1, 2, 3, 4]}]}
    assert (await client.json("POST", INFER, json=body))["model_version"] == "3"
    client.serve(MANY, 2)
    assert (await client.json("POST", INFER, json=body))["model_version"] == "4"


def _scored(found: Any, version: str) -> tuple[Any, str]:
    """The margins of ROWS by a version, and the version that the response names."""
    given = triton.InferInput("features", list(ROWS.shape), "FP64")
    given.set_data_from_numpy(ROWS)
    answer = found.infer("svm", [given], model_version=version)
    return answer.as_numpy("margin"), answer.get_response()["model_version"]


async def test_every_registered_version_answers_beside_the_live_one(client: Client) -> None:
    """Also a version that was never champion: that is how to inspect a challenger."""
    await register(client.context.pool, TWO, state="rejected")
    await register(client.context.pool, MANY)
    client.serve(MANY)

    def ask(found: Any) -> None:
        assert found.get_model_metadata("svm")["versions"] == ["3", "4"]
        old = found.get_model_metadata("svm", "3")
        assert (old["versions"], old["classes"]) == (["3", "4"], list(TWO.classes))
        assert found.is_model_ready("svm", "3")
        for model in (TWO, MANY):
            margins, version = _scored(found, str(model.version))
            np.testing.assert_array_equal(margins, predict(model, ROWS)[1])
            assert version == str(model.version)
        for unknown in ("5", "03", "-3", "+3", "\u0663", "x", "9" * 20):
            assert not found.is_model_ready("svm", quote(unknown))
            with pytest.raises(InferenceServerException, match="there is no usable version"):
                _scored(found, quote(unknown))

    await _with_triton(client, ask)


async def test_a_version_whose_numbers_are_not_those_that_were_registered_does_not_answer(client: Client) -> None:
    await register(client.context.pool, TWO)
    await client.context.pool.execute("UPDATE models SET body = body || '\\x00'")
    found = await client.json("GET", "/v2/models/svm/versions/3", status=404)
    assert found["error"] == "there is no usable version '3' of this model"


async def test_while_postgres_is_away_a_version_that_was_asked_for_still_answers(
    client: Client, servers: Servers
) -> None:
    await register(client.context.pool, TWO)
    await register(client.context.pool, a_model(2), state="former")
    client.serve(MANY)
    await client.json("POST", "/v2/models/svm/versions/3/infer", json=_input())
    with servers.postgres.away():
        for version in ("3", "4"):
            answer = await client.json("POST", f"/v2/models/svm/versions/{version}/infer", json=_input())
            assert answer["model_version"] == version
        assert (await client.json("GET", "/v2/models/svm"))["versions"] == ["3", "4"]
        for path in ("/v2/models/svm/versions/2", "/v2/models/svm/versions/2/ready"):
            assert "Postgres" in (await client.json("GET", path, status=503))["error"]


def _input(**given: Any) -> dict[str, Any]:
    return {"inputs": [{"name": "features", "shape": [1, 4], "datatype": "FP64", "data": [[1, 2, 3, 4]], **given}]}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (_input(name="other"), "there is no input"),
        (_input(shape=[1, 5]), "isn't [n, 4]"),
        (_input(shape=[0, 4], data=[]), "isn't [n, 4]"),
        (_input(shape=[2, 4]), "4 numbers for the shape"),
        (_input(shape=[2**31 - 1, 4]), "4 numbers for the shape"),
        (_input(shape=[-1, 4]), "shape"),
        (_input(datatype="INT8"), "datatype"),
        (_input(data=[["a", 1, 2, 3]]), "data"),
        (_input(data=["0", "1", "2", "3"]), "data[0]: Expected"),
        (_input(data=[0, "1_0", 2, 3]), "data[1]: Expected"),
        (_input(data=[True, 1, 2, 3]), "data[0]: Expected"),
        (_input(data=[[1, 2, 3, False]]), "data[0][3]: Expected"),
        (_input(data=[1, 2, 3, None]), "data[3]: Expected"),
        (_input(data=[[[1, 2, 3, 4]]]), "data[0][0]: Expected"),
        (_input(data=[1, [2, 3, 4]]), "data: "),
        (_input(data=[[1], [2, 3]]), "data"),
        (_input(data=[1, 2, 3, {"x": 1}]), "data"),
        (_input(data=[1e308, 1e308, 10**400, 1]), "data"),
        (_input(datatype="FP32", data=[1e300, 1, 1, 1]), "finite"),
        (_input(parameters={"binary_data_size": 32}), "0 bytes of FP64 follow"),
        ({"inputs": []}, "inputs"),
        ({}, "inputs"),
    ],
)
async def test_what_does_not_fit_is_said_in_the_protocols_form(client: Client, body: Any, said: str) -> None:
    client.serve(TWO)
    assert said in (await client.json("POST", INFER, status=400, json=body))["error"]


@pytest.mark.parametrize("packed", [False, True])
async def test_a_margin_that_overflows_is_refused(client: Client, packed: bool) -> None:
    client.serve(replace(TWO, weights=np.full((1, 4), 10.0)))
    body = {**_input(data=[1e308, 0, 0, 0]), "parameters": {"binary_data_output": packed}}
    assert "larger than any float64" in (await client.json("POST", INFER, status=400, json=body))["error"]


@pytest.mark.parametrize("length", ["-1", "x", "99999", "9" * 5000, "²", "3"])
async def test_a_header_length_that_can_not_be(client: Client, length: str) -> None:
    client.serve(TWO)
    headers = {"Inference-Header-Content-Length": length, "Content-Type": "application/octet-stream"}
    assert (await client.json("POST", INFER, status=400, data=b"{}....", headers=headers))["error"]


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded"])
async def test_a_body_of_another_media_type_than_the_document_names_is_refused(client: Client, media: str) -> None:
    client.serve(TWO)
    found = await client.json("POST", INFER, status=415, data=json.dumps(_input()), headers={"Content-Type": media})
    assert found["error"] == f"{media} isn't application/json or application/octet-stream"


async def test_errors_of_the_server_have_that_form_too(client: Client) -> None:
    assert (await client.json("GET", "/v2/nothing", status=404))["error"]
    assert "no model is live" in (await client.json("POST", INFER, status=503, json=_input()))["error"]
