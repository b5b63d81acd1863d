"""A client generator reads the whole document, and its client sends a record, reads it back and corrects it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from relearn.schemas.openapi import openapi
from relearn.schemas.settings import Settings
from tests.support.api.attack import train_two
from tests.support.api.generated import PACKAGE, GeneratedClient, generate
from tests.support.data.keyed import a_key
from tests.support.processes.apis import an_api
from tests.support.processes.workers import workers
from tests.support.waiting import eventually

FEATURES = [0.5, -1.25]


@pytest.fixture(scope="module")
def output_and_client(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, GeneratedClient]:
    """What the generator printed, and what it made: once, since it takes seconds."""
    directory = tmp_path_factory.mktemp("generated")
    return generate(directory), GeneratedClient(directory)


@pytest.fixture
def generated(
    output_and_client: tuple[str, GeneratedClient], monkeypatch: pytest.MonkeyPatch
) -> Iterator[GeneratedClient]:
    """The generated client, importable while the test runs."""
    client = output_and_client[1]
    monkeypatch.syspath_prepend(str(client.root.parent))
    yield client
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def operations() -> list[tuple[str, str, Any]]:
    """Tag, id and description of every operation of the document."""
    paths = openapi()["paths"].values()
    return [(one["tags"][0], one["operationId"], one) for path in paths for one in path.values()]


def test_every_operation_is_generated_without_a_warning(
    output_and_client: tuple[str, GeneratedClient], generated: GeneratedClient
) -> None:
    output, _ = output_and_client
    assert "warning" not in output.lower(), output
    assert [name for tag, name, _ in operations() if not generated.has(tag, name)] == []


def test_every_json_answer_is_generated_with_its_type(generated: GeneratedClient) -> None:
    for tag, name, operation in operations():
        answered = generated.operation(tag, name).sync_detailed.__annotations__["return"]
        for status, answer in operation["responses"].items():
            schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
            for one in (schema, *schema.get("anyOf", ())):
                if "$ref" in one:
                    kind = getattr(generated.models, one["$ref"].rsplit("/", 1)[1])
                    assert kind.__name__ in str(answered), (name, status)


def test_the_generated_client_sends_a_record_reads_it_back_and_corrects_it(
    generated: GeneratedClient, migrated: Settings
) -> None:
    train_two(migrated)
    key = asyncio.run(a_key(migrated, name="ann"))
    models = generated.models
    with workers(migrated, score=1, store=1, feedback=1) as running, an_api(migrated) as api:
        api.wait_for("event=model_swapped")
        client = generated.connect(f"http://127.0.0.1:{api.port}", key)

        def call(tag: str, name: str, *path: Any, **arguments: Any) -> Any:
            return generated.operation(tag, name).sync(*path, client=client, **arguments)

        body = models.BatchBody(features=[FEATURES], ids=["r-1"], batch="b-1")
        sent = call("Batches", "create_batch", body=body, idempotency_key="once")
        assert isinstance(sent, models.AcceptedBatch)
        assert call("Batches", "create_batch", body=body, idempotency_key="once") == sent
        [place] = sent.predictions

        eventually(
            lambda: isinstance(call("Predictions", "get_prediction", place), models.PredictionDetail),
            lambda: running["store-1"].log[-2000:],
        )
        read = call("Predictions", "get_prediction", place)
        assert (read.prediction, read.id, read.batch, read.features) == (place, "r-1", "b-1", FEATURES)
        assert all(isinstance(at, datetime) for at in (read.ingested_at, read.scored_at, read.stored_at))
        assert read.review is None
        assert [one.prediction for one in call("Predictions", "list_predictions", batch="b-1").items] == [place]

        label = "no" if read.label == "yes" else "yes"
        feedback = call("Feedback", "create_feedback", body=models.FeedbackBody(prediction=place, label=label))
        assert isinstance(feedback, models.AcceptedFeedback)
        eventually(
            lambda: isinstance(call("Feedback", "get_feedback", feedback.id), models.RecordedFeedback),
            lambda: running["feedback-1"].log[-2000:],
        )
        corrected = call("Predictions", "get_prediction", place)
        assert (corrected.label, corrected.review.label, corrected.review.reviewer) == (read.label, label, "ann")
        [said] = call("Predictions", "list_prediction_feedback", place).items
        assert (said.feedback, said.label, said.via.value) == (feedback.id, label, "volunteer")

        check_inference(generated, call, read)
        check_lineage(generated, call, read.model)
        client.get_httpx_client().close()


def check_inference(generated: GeneratedClient, call: Any, read: Any) -> None:
    """Both ways to infer answer the record as it was stored, in the types of the document."""
    models = generated.models
    tensor = models.InputTensor(
        name="features", shape=[1, 2], datatype=models.InputTensorDatatype("FP64"), data=[FEATURES]
    )
    body = models.InferenceRequest(inputs=[tensor])
    tag = "Open Inference Protocol"
    for answer in (
        call(tag, "infer_model", "svm", body=body),
        call(tag, "infer_model_version", "svm", str(read.model), body=body),
    ):
        assert isinstance(answer, models.InferenceResponse)
        assert answer.model_version == str(read.model)
        outputs = {one.name: one for one in answer.outputs}
        assert (outputs["label"].data, outputs["margin"].data) == ([read.label], read.margins)


def check_lineage(generated: GeneratedClient, call: Any, version: int) -> None:
    """A model's metrics and reason arrive as types."""
    models, found = generated.models, call("Models", "get_model", version)
    assert isinstance(found, models.ModelLineage)
    assert isinstance(found.metrics, models.TrainingMetrics)
    assert isinstance(found.made_by.metrics, models.JobMetrics)
    assert isinstance(found.reason, models.Reason)
    assert found.metrics.examples == found.examples
    assert found.made_by.metrics.trained_on.bootstrap > 0
    assert found.reason.trigger == "count"
