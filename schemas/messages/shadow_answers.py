"""A shadow's answers to the records of a block: the optional part `shadow` of a message of `predictions`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from relearn.schemas.errors import BadMessage
from relearn.schemas.identity import INT32_MAX
from relearn.schemas.messages.decoder import Decoder, read_array
from relearn.schemas.text import check_text

#: The label of a record without an answer of the shadow: its margin is larger than any float64.
NO_ANSWER = -1


@dataclass(frozen=True, slots=True)
class ShadowAnswers:
    """One shadow's answers to the n records that the champion answers in the same block. Stored apart, never served.

    labels: int16, index into `classes`, the shadow's own, or NO_ANSWER. margins: float64 (n, 1) for two classes, else
    (n, k), undefined where there is no answer.
    """

    model: int
    activation: int
    classes: tuple[str, ...]
    labels: NDArray[np.int16]
    margins: NDArray[np.float64]

    def select(self, chosen: slice | NDArray[np.intp]) -> ShadowAnswers:
        """The answers at these positions, in that order; views, if it is a slice."""
        return ShadowAnswers(self.model, self.activation, self.classes, self.labels[chosen], self.margins[chosen])


class ShadowWire(msgspec.Struct, gc=False):
    """A shadow's answers to a block's records, as encoded."""

    model: int
    activation: int
    classes: list[str]
    labels: Annotated[bytes, msgspec.Meta(description="int16 n: index into its own classes; -1: no answer.")]
    margins: Annotated[bytes, msgspec.Meta(description="float64 n·(1|k).")]


_decoder = Decoder(ShadowWire, "answers of a shadow")


def shadow_fields(answers: ShadowAnswers) -> dict[str, Any]:
    """The answers as a map in a block's message."""
    return {
        "model": answers.model,
        "activation": answers.activation,
        "classes": answers.classes,
        "labels": answers.labels.astype("<i2").tobytes(),
        "margins": answers.margins.astype("<f8").tobytes(),
    }


def read_shadow(value: bytes, n: int) -> ShadowAnswers:
    """The answers to n records in an encoded map, MessagePack or JSON. Values that no column could store are rejected.

    Raises:
        BadMessage: it can't be read, or doesn't fit a block of n records.
    """
    wire = _decoder.read(value)
    if not 0 <= min(wire.model, wire.activation) <= max(wire.model, wire.activation) <= INT32_MAX:
        raise BadMessage("invalid", f"a shadow of model {wire.model} and activation {wire.activation}")
    k = len(wire.classes)
    if k < 2:
        raise BadMessage("invalid", f"a shadow of {k} classes")
    answers = ShadowAnswers(
        wire.model,
        wire.activation,
        tuple(check_text(label, "a class") or "" for label in wire.classes),
        read_array(wire.labels, "<i2", (n,), "labels"),
        read_array(wire.margins, "<f8", (n, 1 if k == 2 else k), "margins"),
    )
    if answers.labels.min() < NO_ANSWER or answers.labels.max() >= k:
        raise BadMessage("invalid", f"a shadow's label outside its {k} classes")
    return answers
