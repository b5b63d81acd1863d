"""What goes to the training process and what comes back, as MessagePack on its standard streams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgpack
import numpy as np

from agents.learning.examples import TrainingSet
from schemas.errors import Refused
from schemas.model import Floats, Model

VERSION = 2


@dataclass(frozen=True, slots=True)
class Judged:
    """Records that a challenger is to answer out of fold: m keys, and features (m, d) float64."""

    keys: tuple[str, ...]
    features: Floats


NOBODY = Judged((), np.empty((0, 0)))


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model without a number yet. weights: (1 or k, d), bias: (1 or k,), mean and scale: (d,), all float64.

    `answers` are its labels of the judged records, each by a fit that didn't see that record's key.
    """

    classes: tuple[str, ...]
    weights: Floats
    bias: Floats
    mean: Floats
    scale: Floats
    calibration: dict[str, Any] | None
    metrics: Mapping[str, Any]
    answers: tuple[str, ...] = ()

    def as_model(self, version: int, feature_names: tuple[str, ...]) -> Model:
        """The model, numbered."""
        return Model(
            version,
            self.classes,
            feature_names,
            self.weights,
            self.bias,
            self.mean,
            self.scale,
            self.calibration,
            None,
            self.metrics,
        )


def encode_task(examples: TrainingSet, judged: Judged = NOBODY) -> bytes:
    """The training set, and the records to judge, as the process reads them."""
    return _pack(
        {
            "v": VERSION,
            "feature_names": examples.feature_names,
            "ids": examples.ids,
            "keys": examples.keys,
            "features": np.asarray(examples.features, "<f8").tobytes(),
            "labels": examples.labels,
            "sources": examples.sources,
            "weights": np.asarray(examples.weights, "<f8").tobytes(),
            "set_aside": examples.set_aside,
            "judged_keys": judged.keys,
            "judged_features": np.asarray(judged.features, "<f8").tobytes(),
        }
    )


def decode_task(task: bytes) -> tuple[TrainingSet, Judged]:
    """The training set and the records to judge in `task`."""
    fields = _unpack(task)
    names = tuple(fields["feature_names"])
    features, judged = (
        np.frombuffer(fields[name], "<f8").astype(np.float64).reshape(-1, len(names))
        for name in ("features", "judged_features")
    )
    examples = TrainingSet(
        names,
        tuple(fields["ids"]),
        tuple(fields["keys"]),
        features,
        tuple(fields["labels"]),
        tuple(fields["sources"]),
        np.frombuffer(fields["weights"], "<f8").astype(np.float64),
        dict(fields["set_aside"]),
    )
    return examples, Judged(tuple(fields["judged_keys"]), judged)


def encode_answer(answer: Fitted | Refused) -> bytes:
    """The model, or why there is none. The same answer gives the same bytes."""
    if isinstance(answer, Refused):
        return _pack({"v": VERSION, "refused": str(answer)})
    arrays = {name: np.asarray(getattr(answer, name), "<f8").tobytes() for name in ("weights", "bias", "mean", "scale")}
    return _pack(
        {
            "v": VERSION,
            "classes": answer.classes,
            **arrays,
            "calibration": answer.calibration,
            "metrics": dict(answer.metrics),
            "answers": answer.answers,
        }
    )


def decode_answer(answer: bytes) -> Fitted:
    """The model in `answer`.

    Raises:
        Refused: there is none.
        ValueError: this isn't an answer.
    """
    fields = _unpack(answer)
    if "refused" in fields:
        raise Refused(str(fields["refused"]))
    mean, scale, bias, weights = (
        np.frombuffer(fields[name], "<f8").astype(np.float64) for name in ("mean", "scale", "bias", "weights")
    )
    return Fitted(
        tuple(fields["classes"]),
        weights.reshape(len(bias), len(mean)),
        bias,
        mean,
        scale,
        fields["calibration"],
        fields["metrics"],
        tuple(fields["answers"]),
    )


def _pack(fields: dict[str, Any]) -> bytes:
    return bytes(msgpack.packb(fields))


def _unpack(packed: bytes) -> dict[str, Any]:
    try:
        fields = msgpack.unpackb(packed)
    except Exception as exc:
        raise ValueError(f"no MessagePack: {exc}") from exc
    if not isinstance(fields, dict) or fields.get("v") != VERSION:
        raise ValueError("not a message of this version")
    return fields
