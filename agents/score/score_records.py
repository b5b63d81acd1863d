"""Scoring one chunk: messages → records → scores → blocks, and rejects (undecodable, or the margin overflows). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from relearn.agents.learning.encode import encode, unseen
from relearn.agents.learning.predict import Scores, predict, score_encoded
from relearn.agents.models.live import Served
from relearn.agents.models.reading import Reading
from relearn.schemas.features import NO_STRINGS, StringOf
from relearn.schemas.messages.headers import write_key
from relearn.schemas.messages.ingest_fast_path import ForeignMessages, decode_parts
from relearn.schemas.messages.predictions import Block, block_bounds
from relearn.schemas.messages.records import Fault, RawMessage, Records, Reject
from relearn.schemas.messages.shadow_answers import NO_ANSWER, ShadowAnswers
from relearn.schemas.model.linear_svm import Model
from relearn.schemas.topics import BLOCK_MAX_BYTES


@dataclass(frozen=True, slots=True)
class ScoredChunk:
    """The result of one chunk. `shadow` has an answer per record, if there is a shadow.

    `unseen`: the number of values that are levels without a column of their own. `writes`: by partition and offset, the
    keys of messages that were sent under a key.
    """

    records: Records
    scores: Scores
    rejects: Sequence[Reject]
    unseen: int
    shadow: ShadowAnswers | None = None
    writes: Mapping[tuple[int, int], str] = field(default_factory=dict)


def score_parts(
    messages: Sequence[RawMessage], reading: Reading, foreign: ForeignMessages | None = None
) -> Iterator[ScoredChunk]:
    """Decode and score a chunk with one model, in parts that bound the memory of a great many records.

    A record whose margin overflows is rejected, too. The shadow answers what the model answers and rejects nothing.
    `foreign` reads messages of other shapes than Relearn's own.
    """
    writes = _writes(messages)
    for records, rejects in decode_parts(messages, reading.schema, foreign, reading.versions):
        yield _answered(_score(messages, records, rejects, reading), reading, writes)


def _answered(scored: ScoredChunk, reading: Reading, writes: Mapping[tuple[int, int], str]) -> ScoredChunk:
    answers = None if reading.shadow is None else shadow_answers(reading.shadow, reading, scored.records)
    return replace(scored, shadow=answers, writes=writes)


def _writes(messages: Sequence[RawMessage]) -> dict[tuple[int, int], str]:
    keys = (((one.partition, one.offset), write_key(one.headers)) for one in messages if one.headers)
    return {place: key for place, key in keys if key is not None}


def shadow_answers(shadow: Served, reading: Reading, records: Records) -> ShadowAnswers:
    """The shadow's answers to n records. A record whose margin overflows has no answer."""
    model, onto = shadow.model, reading.onto_shadow
    rows = records.features if onto is None else onto.rows(records.features)
    labels, margins = predict(model, rows, _texts_of(model, reading, records))
    labels[~np.isfinite(margins).all(axis=1)] = NO_ANSWER
    return ShadowAnswers(model.version, shadow.activation, model.classes, labels, margins)


def _texts_of(model: Model, reading: Reading, records: Records) -> StringOf:
    """The text of each code in the rows of these records, if the model reads any."""
    schema = reading.schema
    texts = schema.texts
    if not texts or not model.schema.texts:
        return NO_STRINGS
    codes = records.features[:, [len(schema.numbers) + j for j in texts]].tolist()
    found = zip(codes, records.strings, strict=True)
    return {code: strings[j] or "" for its, strings in found for code, j in zip(its, texts, strict=True)}


def _score(
    messages: Sequence[RawMessage], records: Records, rejects: Sequence[Reject], reading: Reading
) -> ScoredChunk:
    model, onto = reading.served.model, reading.onto
    rows = records.features if onto is None else onto.rows(records.features)
    encoded = encode(model.encoder, rows, _texts_of(model, reading, records))
    scores, levels = score_encoded(model, encoded), unseen(model.encoder, encoded)
    finite = np.isfinite(scores.margins).all(axis=1)
    if finite.all():
        return ScoredChunk(records, scores, rejects, int(levels.sum()))
    by_place = {(m.partition, m.offset): m for m in messages}
    overflows = [
        Reject(
            by_place[int(records.partitions[i]), int(records.offsets[i])],
            Fault(int(records.indexes[i]), "overflow", "its margin is larger than any float64"),
        )
        for i in np.flatnonzero(~finite)
    ]
    good = np.flatnonzero(finite)
    return ScoredChunk(records.select(good), scores.select(good), [*rejects, *overflows], int(levels[good].sum()))


def blocks_of(
    scored: ScoredChunk,
    reading: Reading,
    *,
    generation: int,
    scored_at: float,
    limit_bytes: int = BLOCK_MAX_BYTES,
) -> list[Block]:
    """The chunk's predictions as blocks, one or more per ingest partition, of at most `limit_bytes`, or of one record.

    A chunk holds its messages partition by partition, so a partition's records are one slice.
    """
    runs = np.flatnonzero(np.diff(scored.records.partitions)) + 1
    bounds = [0, *runs.tolist(), len(scored.records)]
    blocks = []
    for start, stop in pairwise(bounds):
        run = scored.records.between(slice(start, stop))
        keyed = bool(scored.writes)
        for part in block_bounds(run, reading.served.model.classes, scored.shadow, limit_bytes, writes=keyed):
            rows = slice(start + part.start, start + part.stop)
            blocks.append(_block(scored, rows, reading, generation, scored_at))
    return blocks


def _block(scored: ScoredChunk, rows: slice, reading: Reading, generation: int, scored_at: float) -> Block:
    served = reading.served
    records, scores = scored.records.between(rows), scored.scores.between(rows)
    return Block(
        generation=generation,
        partition=int(records.partitions[0]),
        offsets=records.offsets,
        indexes=records.indexes,
        ingested_at=records.ingested_at,
        ids=records.ids,
        subjects=records.subjects,
        batches=records.batches,
        contexts=records.contexts,
        features=records.features[:, : len(reading.schema.numbers)],
        strings=records.strings,
        schema=reading.version,
        classes=served.model.classes,
        labels=scores.labels,
        margins=scores.margins,
        confidence=scores.confidence,
        model=served.model.version,
        activation=served.activation,
        scored_at=scored_at,
        shadow=scored.shadow.select(rows) if scored.shadow else None,
        writes=_writes_of(records, scored.writes) if scored.writes else (),
    )


def _writes_of(records: Records, writes: Mapping[tuple[int, int], str]) -> tuple[tuple[int, str], ...]:
    """The writes that have a record among these, which are of one partition."""
    partition = int(records.partitions[0])
    offsets = np.unique(records.offsets).tolist()
    return tuple((offset, writes[partition, offset]) for offset in offsets if (partition, offset) in writes)
