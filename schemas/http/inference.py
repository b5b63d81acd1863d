"""The Open Inference Protocol, version 2, REST: its requests and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from relearn.schemas.http.operation import JSON, Operation
from relearn.schemas.identity import INT32_MAX

OutputName = Literal["label", "margin"]

INPUT = "features"
LABEL: OutputName = "label"
MARGIN: OutputName = "margin"
OCTETS = "application/octet-stream"
HEADER_LENGTH = "Inference-Header-Content-Length"
EXTENSIONS = ("binary_tensor_data",)
_TAG = "Open Inference Protocol"

Shape = list[Annotated[int, Meta(ge=0, le=INT32_MAX)]]
Size = Annotated[int, Meta(ge=0)]
Name = Annotated[str, Meta(max_length=100, examples=["svm"])]


class InferenceError(Struct, frozen=True):
    """An error in the protocol's own form."""

    error: str


class ModelPath(Struct, frozen=True):
    """A model by its name."""

    name: Name


class VersionPath(Struct, frozen=True):
    """One version of a model."""

    name: Name
    version: Annotated[str, Meta(max_length=20, examples=["2"])]


class ServerLive(Struct, frozen=True):
    """The process runs."""

    live: bool


class ServerReady(Struct, frozen=True):
    """A model is live."""

    ready: bool


class ModelReady(Struct, frozen=True):
    """The model answers."""

    name: str
    ready: bool


class ServerMetadata(Struct, frozen=True):
    """Name, version and extensions of this server."""

    name: str
    version: str
    extensions: list[str]


class TensorMetadata(Struct, frozen=True):
    """An input or output tensor of the model; -1 in the shape means any size."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(Struct, frozen=True):
    """One model. `classes` and `feature_names` extend the protocol."""

    name: str
    versions: Annotated[
        list[str], Meta(description="This version and the newest registered one; every registered version answers.")
    ]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]
    classes: list[str]
    feature_names: list[str]


class InputTensorParameters(Struct, frozen=True):
    """Parameters of an input tensor."""

    binary_data_size: Annotated[
        Size | UnsetType,
        Meta(description="Number of bytes after the JSON that are its data, little-endian, row-major."),
    ] = UNSET


class InputTensor(Struct, frozen=True):
    """The records: FP64 or FP32, [n, d]."""

    name: str
    shape: Annotated[Shape, Meta(min_length=1, max_length=2)]
    datatype: Literal["FP64", "FP32"]
    parameters: InputTensorParameters = InputTensorParameters()
    data: Annotated[
        list[float | list[float]] | UnsetType, Meta(description="Numbers, row-major, flat or row by row.")
    ] = UNSET


class RequestedOutputParameters(Struct, frozen=True):
    """Parameters of a requested output."""

    binary_data: bool | UnsetType = UNSET


class RequestedOutput(Struct, frozen=True):
    """A requested output."""

    name: OutputName
    parameters: RequestedOutputParameters = RequestedOutputParameters()


class InferenceParameters(Struct, frozen=True):
    """Defaults of all requested outputs."""

    binary_data_output: bool = False


class InferenceRequest(Struct, frozen=True):
    """Records to score. Without `outputs` the answer has all outputs."""

    inputs: Annotated[list[InputTensor], Meta(min_length=1, max_length=1)]
    id: Annotated[str, Meta(max_length=256)] | UnsetType = UNSET
    parameters: InferenceParameters = InferenceParameters()
    outputs: Annotated[list[RequestedOutput], Meta(max_length=2)] = []


class OutputTensorParameters(Struct, frozen=True):
    """Number of bytes after the JSON that are this output's data."""

    binary_data_size: int


class OutputTensor(Struct, frozen=True, omit_defaults=True):
    """One output: `label` BYTES [n], or `margin` FP64 [n, 1 or k]."""

    name: str
    datatype: str
    shape: list[int]
    data: Sequence[str | float] | UnsetType = UNSET
    parameters: OutputTensorParameters | UnsetType = UNSET


class InferenceResponse(Struct, frozen=True, omit_defaults=True):
    """Predictions by one version of the model."""

    model_name: str
    model_version: str
    outputs: list[OutputTensor]
    id: str | UnsetType = UNSET


def _get(name: str, path: str, summary: str, answer: Any, path_type: type[Struct] | None = None) -> Operation:
    return Operation(
        name,
        "GET",
        path,
        _TAG,
        summary,
        path_type=path_type,
        answer=answer,
        error=InferenceError,
    )


def _infer(name: str, path: str, path_type: type[Struct], by: str) -> Operation:
    return Operation(
        name,
        "POST",
        path,
        _TAG,
        f"Score records synchronously in the API process by {by}. Nothing is stored.",
        description=f"With the binary tensor extension: `{HEADER_LENGTH}` gives the JSON's length in bytes; the "
        "tensors follow.",
        path_type=path_type,
        body=InferenceRequest,
        example={"inputs": [{"name": INPUT, "shape": [1, 2], "datatype": "FP64", "data": [0.1, 2.5]}]},
        raw=True,
        reads=(JSON, OCTETS),
        answer=InferenceResponse,
        media=(JSON, OCTETS),
        error=InferenceError,
    )


OPERATIONS: tuple[Operation, ...] = (
    _get("check_server_live", "/v2/health/live", "Whether the process runs.", ServerLive),
    _get("check_server_ready", "/v2/health/ready", "Whether a model is live.", ServerReady),
    _get("get_server_metadata", "/v2", "Name, version and extensions of this server.", ServerMetadata),
    _get("get_model_metadata", "/v2/models/{name}", "The live model.", ModelMetadata, ModelPath),
    _get("check_model_ready", "/v2/models/{name}/ready", "Whether the model answers.", ModelReady, ModelPath),
    _get(
        "get_model_version_metadata",
        "/v2/models/{name}/versions/{version}",
        "One version of the model.",
        ModelMetadata,
        VersionPath,
    ),
    _get(
        "check_model_version_ready",
        "/v2/models/{name}/versions/{version}/ready",
        "Whether this version answers: every registered version does.",
        ModelReady,
        VersionPath,
    ),
    _infer("infer_model", "/v2/models/{name}/infer", ModelPath, "the live model"),
    _infer("infer_model_version", "/v2/models/{name}/versions/{version}/infer", VersionPath, "any registered version"),
)
