"""One chunk, scored: from messages to records to blocks, by one model. Plain functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.learning.scoring import Scores, score
from agents.live_model import Served
from schemas.ingest import decode_chunk
from schemas.predictions import Block, block_bounds
from schemas.records import Fault, RawMessage, Records, Reject


@dataclass(frozen=True, slots=True)
class Scored:
    """What became of one chunk."""

    records: Records
    scores: Scores
    rejects: Sequence[Reject]


def score_chunk(messages: Sequence[RawMessage], served: Served) -> Scored:
    """Decode and score one chunk with one model; a record whose margin overflows is a reject too."""
    records, rejects = decode_chunk(messages, served.model.feature_names)
    scores = score(served.model, records.features)
    finite = np.isfinite(scores.margins).all(axis=1)
    if finite.all():
        return Scored(records, scores, rejects)
    by_place = {(m.partition, m.offset): m for m in messages}
    overflows = [
        Reject(
            by_place[int(records.partitions[i]), int(records.offsets[i])],
            Fault(int(records.indexes[i]), "overflow", "its margin is larger than any float64"),
        )
        for i in np.flatnonzero(~finite)
    ]
    good = np.flatnonzero(finite)
    return Scored(records.select(good), scores.select(good), [*rejects, *overflows])


def blocks_of(scored: Scored, served: Served, *, generation: int, scored_at: float) -> list[Block]:
    """The chunk's predictions as blocks, one or more per ingest partition, each small enough for the broker."""
    blocks = []
    for partition in np.unique(scored.records.partitions):
        rows = np.flatnonzero(scored.records.partitions == partition)
        records = scored.records.select(rows)
        scores = scored.scores.select(rows)
        for part in block_bounds(records, scores.margins.shape[1]):
            blocks.append(
                Block(
                    generation=generation,
                    partition=int(partition),
                    offsets=records.offsets[part],
                    indexes=records.indexes[part],
                    ingested_at=records.ingested_at[part],
                    ids=records.ids[part],
                    subjects=records.subjects[part],
                    batches=records.batches[part],
                    contexts=records.contexts[part],
                    features=records.features[part],
                    classes=served.model.classes,
                    labels=scores.labels[part],
                    margins=scores.margins[part],
                    confidence=scores.confidence[part],
                    model=served.model.version,
                    activation=served.activation,
                    scored_at=scored_at,
                )
            )
    return blocks
