"""Messages to and from the training process, as MessagePack: the training set in, the fitted model or a refusal out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgpack
import numpy as np

from relearn.agents.learning.fitted_model import Fitted, FoldModel
from relearn.agents.learning.training_set import TrainingSet
from relearn.schemas.errors import Refused
from relearn.schemas.features import Feature, FeatureSchema
from relearn.schemas.model.encoder import encoder_fields, encoder_from_fields
from relearn.schemas.model.linear_svm import Floats

VERSION = 5
#: Of the fold models that are stored beside a model.
FOLDS_VERSION = 4


def encode_task(examples: TrainingSet) -> bytes:
    """The training set, for the training process."""
    return _pack(
        {
            "v": VERSION,
            "schema": examples.schema.features,
            "string_of": dict(examples.string_of),
            "ids": examples.ids,
            "keys": examples.keys,
            "features": _packed(examples.features),
            "labels": examples.labels,
            "sources": examples.sources,
            "weights": _packed(examples.weights),
            "set_aside": examples.set_aside,
            "available": examples.available,
        }
    )


def decode_task(task: bytes) -> TrainingSet:
    """The training set in `task`."""
    fields = _unpack(task)
    schema = FeatureSchema(tuple(Feature(*one) for one in fields["schema"]))
    return TrainingSet(
        schema,
        tuple(fields["ids"]),
        tuple(fields["keys"]),
        _floats(fields["features"]).reshape(-1, len(schema)),
        tuple(fields["labels"]),
        tuple(fields["sources"]),
        _floats(fields["weights"]),
        dict(fields["set_aside"]),
        fields["available"],
        fields["string_of"],
    )


def encode_answer(answer: Fitted | Refused) -> bytes:
    """The model, or the reason why there is none. The same answer gives the same bytes."""
    if isinstance(answer, Refused):
        return _pack({"v": VERSION, "refused": str(answer)})
    arrays = {name: _packed(getattr(answer, name)) for name in ("weights", "bias", "mean", "scale")}
    return _pack(
        {
            "v": VERSION,
            "classes": answer.classes,
            **arrays,
            "calibration": answer.calibration,
            "metrics": dict(answer.metrics),
            "folds": [_fold_fields(one) for one in answer.folds],
            "encoder": None if answer.encoder is None else encoder_fields(answer.encoder),
        }
    )


def decode_answer(answer: bytes) -> Fitted:
    """The model in `answer`.

    Raises:
        Refused: the process could fit no model.
        ValueError: not an answer of this version.
    """
    fields = _unpack(answer)
    if "refused" in fields:
        raise Refused(str(fields["refused"]))
    mean, scale, bias, weights = (_floats(fields[name]) for name in ("mean", "scale", "bias", "weights"))
    return Fitted(
        tuple(fields["classes"]),
        weights.reshape(len(bias), len(mean)),
        bias,
        mean,
        scale,
        fields["calibration"],
        fields["metrics"],
        tuple(_fold(*one, d=len(mean)) for one in fields["folds"]),
        None if fields["encoder"] is None else encoder_from_fields(fields["encoder"]),
    )


def encode_folds(folds: Sequence[FoldModel]) -> bytes:
    """A model's fold models, as they are stored beside it."""
    return _pack({"v": FOLDS_VERSION, "folds": [_fold_fields(one) for one in folds]})


def decode_folds(packed: bytes, *, d: int) -> tuple[FoldModel, ...]:
    """Fold models of d columns; none where they were stored by another version."""
    try:
        fields = _unpack(packed, FOLDS_VERSION)
    except ValueError:
        return ()
    return tuple(_fold(*one, d=d) for one in fields["folds"])


def _fold_fields(one: FoldModel) -> tuple[list[int], bytes, bytes]:
    return one.seen.tolist(), _packed(one.weights), _packed(one.bias)


def _fold(seen: list[int], weights: bytes, bias: bytes, *, d: int) -> FoldModel:
    rows = _floats(bias)
    return FoldModel(np.array(seen, dtype=np.intp), _floats(weights).reshape(len(rows), d), rows)


def _packed(array: Floats) -> bytes:
    return np.asarray(array, "<f8").tobytes()


def _floats(packed: bytes) -> Floats:
    return np.frombuffer(packed, "<f8").astype(np.float64)


def _pack(fields: dict[str, Any]) -> bytes:
    return bytes(msgpack.packb(fields))


def _unpack(packed: bytes, version: int = VERSION) -> dict[str, Any]:
    try:
        fields = msgpack.unpackb(packed, strict_map_key=False)
    except Exception as exc:
        raise ValueError(f"no MessagePack: {exc}") from exc
    if not isinstance(fields, dict) or fields.get("v") != version:
        raise ValueError("not a message of this version")
    return fields
