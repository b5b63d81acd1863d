"""The Open Inference Protocol: the live model, and any registered model by its version."""

from __future__ import annotations

import re

import msgspec
from aiohttp import web

from relearn import __version__
from relearn.agents.learning.predict import predict
from relearn.agents.models.reading import Reading, reading_of
from relearn.api.http.budget import VALUE_BYTES
from relearn.api.http.call import Call, Handlers
from relearn.api.http.problems import ProblemError
from relearn.api.http.request import LEASE, read_bytes
from relearn.api.http.tensors import MOST_DIGITS, answer, matrix_of, split
from relearn.schemas.http.inference import (
    EXTENSIONS,
    HEADER_LENGTH,
    INPUT,
    LABEL,
    MARGIN,
    OCTETS,
    InputTensor,
    ModelMetadata,
    ModelPath,
    ModelReady,
    ServerLive,
    ServerMetadata,
    ServerReady,
    TensorMetadata,
    VersionPath,
)
from relearn.schemas.model.linear_svm import Floats, Model

#: The canonical spelling: nothing else is a version.
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
ModelCall = Call[ModelPath, None, None] | Call[VersionPath, None, None]


async def check_server_live(_: Call[None, None, None]) -> ServerLive:
    """Always live."""
    return ServerLive(True)


async def check_server_ready(call: Call[None, None, None]) -> ServerReady:
    """Raises ProblemError if no model is live: clients check the status only."""
    _live(call)
    return ServerReady(True)


async def get_server_metadata(_: Call[None, None, None]) -> ServerMetadata:
    """Name and version of the server."""
    return ServerMetadata("relearn", __version__, list(EXTENSIONS))


async def get_model_metadata(call: ModelCall) -> ModelMetadata:
    """The model's tensors, and the versions that can be used."""
    model = await _model(call)
    versions = {model.version, *await call.context.models.versions(call.context.pool)}
    d, columns = len(model.feature_names), model.weights.shape[0]
    return ModelMetadata(
        call.path.name,
        [str(version) for version in sorted(versions)],
        "relearn_linear_svm",
        [TensorMetadata(INPUT, "FP64", [-1, d])],
        [TensorMetadata(LABEL, "BYTES", [-1]), TensorMetadata(MARGIN, "FP64", [-1, columns])],
        list(model.classes),
        list(model.feature_names),
    )


async def check_model_ready(call: ModelCall) -> ModelReady:
    """Ready if the model exists; raises ProblemError otherwise."""
    await _model(call)
    return ModelReady(call.path.name, True)


async def infer_model(call: ModelCall) -> web.Response:
    """Scores all records with one model, which is read once, after the body."""
    header_length, lease = call.request.headers.get(HEADER_LENGTH), call.request[LEASE]
    data = await read_bytes(call.request, binary=header_length is not None)
    if header_length is not None and header_length.isdecimal():
        lease.add_json(bytes(data[: int(header_length[:MOST_DIGITS])]))
    body, tail = await lease.run(lambda: split(data, header_length))
    model = await _model(call)
    served = call.context.live.current
    reading = None if served is None or served.model is not model else reading_of(call.context.live, served)
    features = await lease.run(lambda: _scored_rows(body.inputs[0], tail, model, reading))
    lease.grow(VALUE_BYTES * len(features) * (1 + model.weights.shape[0]))

    def infer() -> tuple[bytes, list[bytes]]:
        labels, margins = predict(model, features)
        texts = [model.classes[i] for i in labels.tolist()]
        found, packed = answer(body, call.path.name, model.version, texts, margins)
        return msgspec.json.encode(found), packed

    head, packed = await lease.run(infer)
    if not packed:
        return web.Response(body=head, content_type="application/json")
    headers = {HEADER_LENGTH: str(len(head))}
    return web.Response(body=head + b"".join(packed), content_type=OCTETS, headers=headers)


def _scored_rows(given: InputTensor, tail: memoryview, model: Model, reading: Reading | None) -> Floats:
    """(n, d) the rows of a tensor as the model scores them. Of the live model, records may be of any version."""
    if reading is None or reading.versions is None:
        return matrix_of(given, tail, model.schema)
    versions = reading.versions
    version = versions.by_width.get(given.shape[-1] if given.shape else 0, versions.newest)
    rows = matrix_of(given, tail, version.schema)
    if version is not versions.newest:
        rows = versions.older[version.number].projection.rows(rows)
    return rows if reading.onto is None else reading.onto.rows(rows)


async def _model(call: ModelCall) -> Model:
    """The live model, or the registered model of the path's version."""
    context, path = call.context, call.path
    if path.name != context.settings.model_name:
        raise ProblemError("not-found", f"there is no model {path.name!r}; it is {context.settings.model_name!r}")
    if not isinstance(path, VersionPath):
        return _live(call)
    live = context.live.current
    if live is not None and path.version == str(live.model.version):
        return live.model
    known = _VERSION.fullmatch(path.version) is not None
    found = await context.models.of_version(context.pool, int(path.version)) if known else None
    if found is None:
        raise ProblemError("not-found", f"there is no usable version {path.version!r} of this model")
    return found


def _live(call: Call[None, None, None] | ModelCall) -> Model:
    live = call.context.live.current
    if live is None:
        raise ProblemError("unavailable", "no model is live yet", headers={"Retry-After": "5"})
    return live.model


HANDLERS: Handlers = {
    "check_server_live": check_server_live,
    "check_server_ready": check_server_ready,
    "get_server_metadata": get_server_metadata,
    "get_model_metadata": get_model_metadata,
    "check_model_ready": check_model_ready,
    "get_model_version_metadata": get_model_metadata,
    "check_model_version_ready": check_model_ready,
    "infer_model": infer_model,
    "infer_model_version": infer_model,
}
