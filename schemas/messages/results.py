"""The `results` topic's messages: one scored record each, as JSON (or Avro: `agents.results.avro`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from relearn.schemas.messages.headers import Headers, cloud_event
from relearn.schemas.messages.predictions import Block

CE_TYPE = "relearn.result.v1"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Moment = Annotated[str, Meta(description="ISO 8601 with the offset +00:00, as in the HTTP API.")]


class ResultWire(msgspec.Struct, gc=False):
    """A message of `results`. Its fields are those of a prediction in the HTTP API, without the features."""

    prediction: Annotated[str, Meta(description="The prediction's id. Equal ids: the first message counts.")]
    id: str | None
    subject: str | None
    batch: str | None
    label: str
    confidence: Annotated[float | None, Meta(description="Null where it is unknown.")]
    margins: Annotated[list[float], Meta(description="One for two classes, else one per class.")]
    model: int
    activation: int
    ingested_at: _Moment
    scored_at: _Moment


class ResultMessage(NamedTuple):
    """A message to send: messages about one subject, else one `id`, else one prediction, have equal keys."""

    key: bytes
    value: bytes
    headers: Headers


encode_json: Callable[[ResultWire], bytes] = msgspec.json.Encoder().encode


def result_messages(
    block: Block, *, source: str, now_s: float, encode: Callable[[ResultWire], bytes] = encode_json
) -> Iterator[ResultMessage]:
    """The messages for the records of a block, in order.

    A record has the same CloudEvents id and source at every reading.

    Args:
        block: all its numbers are finite, confidence apart.
        source: the sender, the same for every worker: `/relearn/results`.
        now_s: the sender's clock, seconds since the epoch.
        encode: gives the values.
    """
    shared = [header for header in cloud_event(CE_TYPE, source, now_s=now_s, event_id="") if header[0] != "ce_id"]
    scored_at = _iso(np.array([block.scored_at]))[0]
    for prediction, id_, subject, batch, label, confidence, margins, ingested_at in zip(
        _predictions(block),
        block.ids,
        block.subjects,
        block.batches,
        block.labels.tolist(),
        block.confidence.tolist(),
        block.margins.tolist(),
        _iso(block.ingested_at),
        strict=True,
    ):
        result = ResultWire(
            prediction,
            id_,
            subject,
            batch,
            block.classes[label],
            confidence if confidence == confidence else None,  # noqa: PLR0124 - NaN: unknown
            margins,
            block.model,
            block.activation,
            ingested_at,
            scored_at,
        )
        key = (subject or id_ or prediction).encode()
        yield ResultMessage(key, encode(result), [*shared, ("ce_id", prediction.encode())])


def _predictions(block: Block) -> list[str]:
    """The predictions' ids: `str(Place(…))` of each record."""
    head = f"{block.partition}-" if block.generation == 0 else f"{block.generation}-{block.partition}-"
    places = zip(block.offsets.tolist(), block.indexes.tolist(), strict=True)
    return [f"{head}{offset}-{index}" for offset, index in places]


def _iso(seconds: NDArray[np.float64]) -> Sequence[str]:
    """Times since the epoch as the HTTP API writes them: to the microsecond, as Postgres rounds them."""
    moments, which = np.unique(np.rint(seconds * 1e6).astype(np.int64), return_inverse=True)
    texts = [(_EPOCH + timedelta(microseconds=us)).isoformat() for us in moments.tolist()]
    return [texts[i] for i in which.tolist()]
