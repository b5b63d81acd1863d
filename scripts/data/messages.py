"""A data set as messages of the `ingest` topic: one record each or many, in every form of the contract."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, get_args

import msgpack
import numpy as np

from relearn.agents.kafka.producer import OutgoingMessage
from relearn.schemas.messages.ingest import CE_TYPE_MANY, CE_TYPE_ONE, encode_record, encode_records
from relearn.scripts.data.datasets import Dataset, with_noise

Form = Literal["packed", "list", "named", "json"]
FORMS: tuple[str, ...] = get_args(Form)


def passes(dataset: Dataset, *, seed: int | None = None, noise: float = 0.0) -> Iterator[Dataset]:
    """The data set repeatedly, without end. With a seed, each pass has another order; each pass has new noise.

    The same seed gives the same records in the same order.
    """
    rng = np.random.default_rng(seed or 0)
    spread = dataset.spread
    while True:
        one = dataset if seed is None else dataset.take(rng.permutation(len(dataset)))
        yield with_noise(one, spread, rng, noise) if noise else one


def cut(datasets: Iterator[Dataset], batch: int, limit: int | None) -> Iterator[Dataset]:
    """The data sets' records in pieces of `batch` or fewer, at most `limit` records in all.

    A piece is of one data set, and of one batch where the set names batches.
    """
    left = limit
    for dataset in datasets:
        start = 0
        while start < len(dataset):
            size = min(batch, len(dataset) - start, batch if left is None else left)
            if size > 1 and dataset.batches is not None:
                size = next((i for i in range(1, size) if dataset.batches[start + i] != dataset.batches[start]), size)
            yield dataset.take(slice(start, start + size))
            start += size
            if left is not None:
                left -= size
                if not left:
                    return


def outgoing(pieces: Iterator[Dataset], *, form: Form, run: str, many: bool) -> Iterator[OutgoingMessage]:
    """A message per piece. Ids are those of the data set, else `run` and a number.

    Many-record messages have a batch id as well, unless the data set names their batch.
    """
    sent = 0
    encode = encode_many if many else encode_one
    for number, piece in enumerate(pieces):
        numbers = range(sent, sent + len(piece))
        own = piece.ids or (None,) * len(piece)
        ids = [one or f"{run}-{i}" for one, i in zip(own, numbers, strict=True)]
        number_of_batch = f"{run}-batch-{number}"
        batch = (piece.batches[0] if piece.batches else None) or (number_of_batch if many else None)
        kind, event_id = (CE_TYPE_MANY, number_of_batch) if many else (CE_TYPE_ONE, f"{run}-{sent}")
        yield OutgoingMessage(encode(piece, ids, batch, form), kind, event_id=event_id, records=len(piece))
        sent += len(piece)


def encode_one(piece: Dataset, ids: Sequence[str], batch: str | None, form: Form) -> bytes:
    """The first record of `piece` as a single-record message. Only numbers alone can be packed: others are a list."""
    values, context = piece.values(0), piece.contexts[0] if piece.contexts else None
    texts: dict[str, Any] = {"subject": piece.subjects[0], "batch": batch, "context": context}
    if form == "json":
        return _json({"features": values, "id": ids[0], **texts})
    given: Callable[[], Any] = {
        "packed": lambda: piece.features[0] if piece.schema.plain else values,
        "list": lambda: values,
        "named": lambda: dict(zip(piece.feature_names, values, strict=True)),
    }[form]
    return encode_record(given(), record_id=ids[0], **texts)


def encode_many(piece: Dataset, ids: Sequence[str], batch: str | None, form: Form) -> bytes:
    """All of `piece` as a many-record message. Only numbers alone can be packed: others are lists."""
    values = piece.features.tolist() if piece.schema.plain else [piece.values(row) for row in range(len(piece))]
    if form in {"packed", "named"}:
        names = piece.feature_names if form == "named" else None
        texts = {"subjects": piece.subjects, "contexts": piece.contexts}
        features = piece.features if piece.schema.plain else values
        return encode_records(features, ids=ids, batch=batch, names=names, **texts)
    rows = {"n": len(piece), "features": values, "ids": list(ids), "subjects": list(piece.subjects)}
    message = {**rows, "batch": batch, "contexts": piece.contexts}
    return _json(message) if form == "json" else bytes(msgpack.packb(message))


def _json(message: dict[str, Any]) -> bytes:
    given = {key: value for key, value in message.items() if value is not None}
    return json.dumps(given, ensure_ascii=False, separators=(",", ":")).encode()
