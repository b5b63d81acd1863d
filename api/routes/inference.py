"""The Open Inference Protocol: the live model, for clients that others wrote."""

from __future__ import annotations

import msgspec
from aiohttp import web

from agents.learning.scoring import decide
from agents.live_model import Served
from api.call import Call, Handlers
from api.failures import Failure
from api.reading import read_bytes
from api.tensors import answer, matrix_of, split
from schemas import __version__
from schemas.http.inference import (
    EXTENSIONS,
    HEADER_LENGTH,
    INPUT,
    LABEL,
    MARGIN,
    OCTETS,
    ModelMetadata,
    ModelPath,
    ModelReady,
    ServerAlive,
    ServerMetadata,
    ServerReady,
    TensorMetadata,
    VersionPath,
)

Named = Call[ModelPath, None, None] | Call[VersionPath, None, None]


async def live(_: Call[None, None, None]) -> ServerAlive:
    """It answers, so it lives."""
    return ServerAlive(True)


async def ready(call: Call[None, None, None]) -> ServerReady:
    """Raises Failure where no model is live: clients look at the status alone."""
    _served(call)
    return ServerReady(True)


async def server(_: Call[None, None, None]) -> ServerMetadata:
    """Asks nobody."""
    return ServerMetadata("relearn", __version__, list(EXTENSIONS))


async def metadata(call: Named) -> ModelMetadata:
    """The live model's tensors."""
    model = _of(call).model
    d, columns = len(model.feature_names), model.weights.shape[0]
    return ModelMetadata(
        call.path.name,
        [str(model.version)],
        "relearn_linear_svm",
        [TensorMetadata(INPUT, "FP64", [-1, d])],
        [TensorMetadata(LABEL, "BYTES", [-1]), TensorMetadata(MARGIN, "FP64", [-1, columns])],
        list(model.classes),
        list(model.feature_names),
    )


async def model_ready(call: Named) -> ModelReady:
    """Whether it is the live one."""
    _of(call)
    return ModelReady(call.path.name, True)


async def infer(call: Named) -> web.Response:
    """All records by one model: the reference is read once, after the body."""
    data = await read_bytes(call.request)
    body, tail = split(data, call.request.headers.get(HEADER_LENGTH))
    model = _of(call).model
    labels, margins = decide(model, matrix_of(body.inputs[0], tail, len(model.feature_names)))
    texts = [model.classes[i] for i in labels.tolist()]
    found, packed = answer(body, call.path.name, model.version, texts, margins)
    head = msgspec.json.encode(found)
    if not packed:
        return web.Response(body=head, content_type="application/json")
    headers = {HEADER_LENGTH: str(len(head))}
    return web.Response(body=head + b"".join(packed), content_type=OCTETS, headers=headers)


def _of(call: Named) -> Served:
    """The live model, if that is the one that the path names."""
    served, path = _served(call), call.path
    if path.name != call.context.settings.model_name:
        raise Failure("not-found", f"there is no model {path.name!r}; it is {call.context.settings.model_name!r}")
    if isinstance(path, VersionPath) and path.version != str(served.model.version):
        raise Failure("not-found", f"version {path.version!r} isn't live; {served.model.version} is")
    return served


def _served(call: Call[None, None, None] | Named) -> Served:
    served = call.context.live.current
    if served is None:
        raise Failure("unavailable", "no model is live yet", headers={"Retry-After": "5"})
    return served


HANDLERS: Handlers = {
    "v2_live": live,
    "v2_ready": ready,
    "v2_server": server,
    "v2_model": metadata,
    "v2_model_ready": model_ready,
    "v2_version": metadata,
    "v2_version_ready": model_ready,
    "v2_infer": infer,
    "v2_version_infer": infer,
}
