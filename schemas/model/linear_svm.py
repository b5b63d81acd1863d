"""The model as data: a linear SVM is its numbers, in versioned MessagePack. Never pickle."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgpack
import numpy as np
from numpy.typing import NDArray

from relearn.schemas.errors import BadModel
from relearn.schemas.features import FeatureSchema, numbers_alone
from relearn.schemas.model.encoder import Encoder, encoder_fields, encoder_from_fields
from relearn.schemas.text import text_fault

VERSION = 1
Floats = NDArray[np.float64]
#: One record's row of d values, in a list or in an array.
Features = Sequence[float] | Floats


@dataclass(frozen=True, slots=True)
class Model:
    """A linear SVM on raw features: margin = X·w + b, the scaler folded in.

    weights: (1, d) for two classes, where margin > 0 means classes[1]; else (k, d), the largest margin wins.
    bias: (1,) or (k,). mean, scale: (d,), information only. Arrays are float64 and read-only.
    calibration: Platt's `a` and `b` per row of weights, or None where confidence is unknown.
    encoder: None where features are numbers alone; else X are the encoded columns, and d is their number.
    `agents.learning.predict` scores records with it.
    """

    version: int
    classes: tuple[str, ...]
    feature_names: tuple[str, ...]
    weights: Floats
    bias: Floats
    mean: Floats
    scale: Floats
    calibration: Mapping[str, Any] | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    encoder: Encoder | None = None
    schema: FeatureSchema = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the shapes.

        Raises:
            BadModel: with reason `shape`.
        """
        k, d = len(self.classes), len(self.feature_names)
        rows = 1 if k == 2 else k
        if k < 2 or len(set(self.classes)) != k:
            raise BadModel("shape", f"{k} classes; at least two different ones are needed")
        if d < 1 or len(set(self.feature_names)) != d:
            raise BadModel("shape", f"{d} feature names; at least one, and all different")
        for text in (*self.classes, *self.feature_names):
            if not text or text_fault(text):
                raise BadModel("shape", f"{text!r} can't name a class or a feature")
        schema = numbers_alone(self.feature_names)
        if self.encoder is not None:
            if len(self.encoder.parts) != d:
                raise BadModel("shape", f"an encoder of {len(self.encoder.parts)} features for {d}")
            d, schema = self.encoder.width, self.encoder.schema(self.feature_names)
        object.__setattr__(self, "schema", schema)
        shapes = {"weights": (rows, d), "bias": (rows,), "mean": (d,), "scale": (d,)}
        for name, shape in shapes.items():
            array: Floats = getattr(self, name)
            if array.shape != shape or array.dtype != np.float64:
                raise BadModel("shape", f"`{name}` is {array.dtype}{array.shape}, should be float64{shape}")
            if not np.isfinite(array).all():
                raise BadModel("shape", f"`{name}` has a value that isn't finite")
            array.setflags(write=False)


def model_fields(model: Model) -> dict[str, Any]:
    """The model as the fields of a `model-updates` body."""
    return {
        "version": model.version,
        "classes": list(model.classes),
        "feature_names": list(model.feature_names),
        **{name: np.asarray(getattr(model, name), "<f8").tobytes() for name in ("weights", "bias", "mean", "scale")},
        "calibration": model.calibration,
        "histograms": None,  # Unused; every message of this format has the key.
        "metrics": dict(model.metrics),
        **({} if model.encoder is None else {"encoder": encoder_fields(model.encoder)}),
    }


def model_from_fields(fields: Mapping[str, Any]) -> Model:
    """The model in the fields of a `model-updates` body.

    Raises:
        BadModel: with reason `shape`: a field is missing, of another type, or doesn't fit the others.
    """
    try:
        classes = _names(fields["classes"])
        feature_names = _names(fields["feature_names"])
        encoder = None if fields.get("encoder") is None else encoder_from_fields(fields["encoder"])
        d = len(feature_names) if encoder is None else encoder.width
        rows = 1 if len(classes) == 2 else len(classes)
        return Model(
            _whole(fields["version"]),
            classes,
            feature_names,
            _floats(fields["weights"], (rows, d)),
            _floats(fields["bias"], (rows,)),
            _floats(fields["mean"], (d,)),
            _floats(fields["scale"], (d,)),
            _mapping(fields.get("calibration")),
            _mapping(fields.get("metrics")) or {},
            encoder,
        )
    except KeyError as exc:
        raise BadModel("shape", f"there is no {exc}") from exc
    except (TypeError, ValueError) as exc:
        raise BadModel("shape", str(exc)) from exc


def encode_model(model: Model) -> bytes:
    """The model as stored in Postgres; `model_digest` of it is its checksum."""
    return bytes(msgpack.packb({"v": VERSION, **model_fields(model)}))


def decode_model(body: bytes) -> Model:
    """The model in stored bytes.

    Raises:
        BadModel: not a model, or a model of another format version.
    """
    fields = unpack_map(body)
    if fields.get("v") != VERSION:
        raise BadModel("version", f"a model of format {fields.get('v')!r}; this reads {VERSION}")
    return model_from_fields(fields)


def model_digest(body: bytes) -> bytes:
    """SHA-256 of stored bytes."""
    return hashlib.sha256(body).digest()


def unpack_map(body: bytes) -> dict[str, Any]:
    """A MessagePack map with string keys.

    Raises:
        BadModel: with reason `unreadable`.
    """
    try:
        fields = msgpack.unpackb(body)
    except (ValueError, RecursionError, msgpack.UnpackException) as exc:
        raise BadModel("unreadable", f"no MessagePack: {str(exc) or type(exc).__name__}") from exc
    if not isinstance(fields, dict):
        raise BadModel("unreadable", f"should be a map, is {type(fields).__name__}")
    return fields


def _floats(packed: object, shape: tuple[int, ...]) -> Floats:
    if not isinstance(packed, bytes) or len(packed) != int(np.prod(shape)) * 8:
        raise ValueError(f"an array that should hold {shape} float64 doesn't")
    return np.frombuffer(packed, dtype="<f8").astype(np.float64).reshape(shape)


def _names(given: object) -> tuple[str, ...]:
    if not isinstance(given, Sequence) or isinstance(given, str) or not all(isinstance(name, str) for name in given):
        raise ValueError("`classes` and `feature_names` should be lists of strings")
    return tuple(given)


def _whole(given: object) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or given < 0:
        raise ValueError(f"{given!r} should be a whole number, not negative")
    return given


def _mapping(given: object) -> dict[str, Any] | None:
    if given is not None and not isinstance(given, dict):
        raise ValueError("`calibration` and `metrics` should be maps")
    return given
