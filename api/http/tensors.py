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

from relearn.api.http.problems import Failure, fault_of
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

_MOST_DIGITS = 12
_DTYPES: dict[str, np.dtype[Any]] = {"FP64": np.dtype("<f8"), "FP32": np.dtype("<f4")}
_decode = msgspec.json.Decoder(InferenceRequest).decode


def split(body: bytes, header_length: str | None) -> tuple[InferenceRequest, bytes]:
    """The JSON of a request, and the bytes after it; `header_length` as its header says.

    Raises:
        Failure: the length is none of this body's, or the JSON isn't a request.
    """
    length = len(body)
    if header_length is not None:
        digits = header_length.isascii() and header_length.isdigit() and len(header_length) <= _MOST_DIGITS
        if not digits or int(header_length) > length:
            raise Failure(
                "malformed", f"the header length {header_length[:40]!r} isn't one of a body of {length} bytes"
            )
        length = int(header_length)
    try:
        return _decode(body[:length]), body[length:]
    except msgspec.ValidationError as exc:
        fault = fault_of(exc)
        raise Failure("malformed", f"{fault.field}: {fault.detail}") from exc
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise Failure("malformed", f"the request isn't JSON: {str(exc) or 'nested too deep'}") from exc


def matrix_of(given: InputTensor, tail: bytes, d: int) -> Floats:
    """(n, d) float64, finite, from one input and the bytes after the JSON. A shape [d] is one record.

    Raises:
        Failure: it has another name, another shape, other data than the shape says, or a value that isn't finite.
    """
    if given.name != INPUT:
        raise Failure("malformed", f"there is no input {given.name!r}; it is {INPUT!r}")
    shape = tuple(given.shape) if len(given.shape) == 2 else (1, *given.shape)
    if shape[1] != d or shape[0] < 1:
        raise Failure("malformed", f"the shape {list(given.shape)} isn't [n, {d}]")
    flat = _flat(given, tail)
    if flat.size != math.prod(shape):
        raise Failure("malformed", f"{flat.size} numbers for the shape {list(given.shape)}")
    features = flat.astype(np.float64).reshape(shape)
    if not np.isfinite(features).all():
        raise Failure("malformed", "a value isn't a finite number")
    return features


def _flat(given: InputTensor, tail: bytes) -> NDArray[Any]:
    dtype, size = _DTYPES[given.datatype], given.parameters.binary_data_size
    if isinstance(size, int):
        if size != len(tail) or size % dtype.itemsize:
            raise Failure("malformed", f"binary_data_size is {size}; {len(tail)} bytes of {given.datatype} follow")
        return np.frombuffer(tail, dtype=dtype)
    if tail or not isinstance(given.data, list):
        raise Failure("malformed", "an input has either `data` or `parameters.binary_data_size` with bytes after it")
    try:
        found = np.array(given.data, dtype=np.float64)
    except ValueError as exc:
        raise Failure("malformed", f"data: {exc}") from exc
    with np.errstate(over="ignore"):
        return found.ravel().astype(dtype)


def answer(
    body: InferenceRequest, name: str, version: int, labels: Sequence[str], margins: Floats
) -> tuple[InferenceResponse, list[bytes]]:
    """The answer, and the bytes that follow it in the order of its outputs: none, where none are wanted so.

    Raises:
        Failure: a margin isn't finite, which no JSON can hold.
    """
    if not np.isfinite(margins).all():
        raise Failure("malformed", "a margin is larger than any float64")
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
    """Each as its length, four bytes little-endian, and its UTF-8."""
    return b"".join(struct.pack("<I", len(text)) + text for text in (label.encode() for label in labels))
