"""Tensors of the Open Inference Protocol: JSON or bytes → an (n, d) array, and labels and margins back again. Pure."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from relearn.api.http.problems import ProblemError, field_fault
from relearn.schemas.features import FeatureSchema
from relearn.schemas.http.inference import (
    INPUT,
    LABEL,
    MARGIN,
    InferenceRequest,
    InferenceResponse,
    InputTensor,
    OutputTensor,
    OutputTensorParameters,
    RequestedOutput,
)
from relearn.schemas.model.linear_svm import Floats

#: Longer header lengths are longer than any body.
MOST_DIGITS = 12
_DTYPES: dict[str, np.dtype[Any]] = {"FP64": np.dtype("<f8"), "FP32": np.dtype("<f4")}
_decode = msgspec.json.Decoder(InferenceRequest).decode


def split(body: bytes | bytearray, header_length: str | None) -> tuple[InferenceRequest, memoryview]:
    """The JSON of a request and the bytes after it. `header_length`: the header's value, None without it.

    Raises:
        ProblemError: the length isn't within the body, or the JSON isn't a request.
    """
    length = len(body)
    if header_length is not None:
        digits = header_length.isascii() and header_length.isdigit() and len(header_length) <= MOST_DIGITS
        if not digits or int(header_length) > length:
            raise ProblemError(
                "malformed", f"the header length {header_length[:40]!r} isn't one of a body of {length} bytes"
            )
        length = int(header_length)
    try:
        return _decode(memoryview(body)[:length]), memoryview(body)[length:]
    except msgspec.ValidationError as exc:
        fault = field_fault(exc)
        raise ProblemError("malformed", f"{fault.field}: {fault.detail}") from exc
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise ProblemError("malformed", f"the request isn't JSON: {str(exc) or 'nested too deep'}") from exc


def matrix_of(given: InputTensor, tail: bytes | memoryview, schema: FeatureSchema) -> Floats:
    """(n, d) float64, rows, from one input and the bytes after the JSON. A shape [d] is one record.

    A value that may be missing is NaN where it is.

    Raises:
        ProblemError: another name or shape, data that don't fit the shape, a value that isn't finite, or features that
            a tensor of numbers can't hold.
    """
    d = len(schema)
    if schema.strings:
        raise ProblemError("malformed", "the model has categories, and a tensor holds numbers: use POST /v1/predict")
    if given.name != INPUT:
        raise ProblemError("malformed", f"there is no input {given.name!r}; it is {INPUT!r}")
    shape = tuple(given.shape) if len(given.shape) == 2 else (1, *given.shape)
    if shape[1] != d or shape[0] < 1:
        raise ProblemError("malformed", f"the shape {list(given.shape)} isn't [n, {d}]")
    flat = _flat(given, tail)
    if flat.size != math.prod(shape):
        raise ProblemError("malformed", f"{flat.size} numbers for the shape {list(given.shape)}")
    features = flat.astype(np.float64).reshape(shape)
    if not (np.isfinite(features) | (np.isnan(features) & schema.gaps)).all():
        raise ProblemError("malformed", "a value isn't a finite number")
    return features


def _flat(given: InputTensor, tail: bytes | memoryview) -> NDArray[Any]:
    dtype, size = _DTYPES[given.datatype], given.parameters.binary_data_size
    if isinstance(size, int):
        if size != len(tail) or size % dtype.itemsize:
            raise ProblemError("malformed", f"binary_data_size is {size}; {len(tail)} bytes of {given.datatype} follow")
        return np.frombuffer(tail, dtype=dtype)
    if tail or not isinstance(given.data, list):
        raise ProblemError("malformed", "an input has either `data`, or `parameters.binary_data_size` and bytes")
    try:
        found = np.array(given.data, dtype=np.float64)
    except ValueError as exc:
        raise ProblemError("malformed", f"data: {exc}") from exc
    with np.errstate(over="ignore"):
        return found.ravel().astype(dtype)


def answer(
    body: InferenceRequest, name: str, version: int, labels: Sequence[str], margins: Floats
) -> tuple[InferenceResponse, list[bytes]]:
    """The response body and the bytes after it, in the order of the outputs; only outputs requested as binary have any.

    Raises:
        ProblemError: a margin isn't finite, which JSON can't hold.
    """
    if not np.isfinite(margins).all():
        raise ProblemError("malformed", "a margin is larger than any float64")
    wanted = {
        one.name: one.parameters.binary_data
        for one in body.outputs or (RequestedOutput(LABEL), RequestedOutput(MARGIN))
    }
    outputs, tail = [], []
    for output, given in wanted.items():
        packed = given if isinstance(given, bool) else body.parameters.binary_data_output
        if packed:
            data = packed_labels(labels) if output == LABEL else np.ascontiguousarray(margins, dtype="<f8").tobytes()
            tail.append(data)
            outputs.append(_output(output, labels, margins, UNSET, OutputTensorParameters(len(data))))
        else:
            outputs.append(
                _output(output, labels, margins, list(labels) if output == LABEL else margins.ravel().tolist())
            )
    return InferenceResponse(name, str(version), outputs, body.id), tail


def _output(
    name: str,
    labels: Sequence[str],
    margins: Floats,
    data: list[Any] | UnsetType,
    size: OutputTensorParameters | UnsetType = UNSET,
) -> OutputTensor:
    kind, shape = ("BYTES", [len(labels)]) if name == LABEL else ("FP64", list(margins.shape))
    return OutputTensor(name, kind, shape, data, size)


def packed_labels(labels: Sequence[str]) -> bytes:
    """Each label as its length (4 bytes, little-endian) and its UTF-8 bytes."""
    return b"".join(struct.pack("<I", len(text)) + text for text in (label.encode() for label in labels))
