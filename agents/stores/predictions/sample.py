"""Samples of the records that a champion answers, read from Postgres: a look costs the same at any rate.

`totals` counts each partition's rows, so that a look at a still stream reads no others. What a partition gives to a
sample is in proportion to what it got since its mark: a sender weighs as much in every sample as in the stream.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from relearn.agents.learning.drift import REFERENCE, WINDOW, sample_quotas
from relearn.agents.stores.features.onto import Onto, read_onto_version
from relearn.agents.stores.postgres import Connection, Pool, postgres_errors, read_snapshot
from relearn.agents.stores.predictions.tail import (
    FIRST_AMONG,
    Answers,
    Mark,
    Rows,
    beginnings,
    count_rows,
    first_rows,
    latest_rows,
)
from relearn.schemas.features import NO_STRINGS, StringOf, row_of, strings_by_code
from relearn.schemas.model.linear_svm import Floats


@dataclass(frozen=True, slots=True)
class Cursor:
    """A mark per partition of one generation of the topic. None and no marks: nothing was looked at yet."""

    generation: int | None = None
    marks: Mapping[int, Mark] = field(default_factory=dict)


class Sample(NamedTuple):
    """features: (n, d), rows. margins: (n,), the winning row's where there are several.

    string_of: the string of each code in the rows.
    """

    features: Floats
    margins: Floats
    string_of: StringOf = NO_STRINGS


async def first_records(pool: Pool, ingest: str, activation: int, cursor: Cursor) -> tuple[Cursor, Sample | None]:
    """The first REFERENCE records of an activation, None while there are fewer, and the cursor after them.

    In a partition the activation begins, once the newest row is of it, after the newest row that isn't, looked for
    among the latest BEGINNING_AMONG. What it answered before that is passed over; what others answer is never taken.

    Args:
        ingest: the full name of the topic that the records came from.

    Raises:
        PostgresUnavailable: Retryable.
    """
    async with read_snapshot(pool) as connection:
        generation, records = await count_rows(connection, ingest)
        answers, marks = Answers(generation, activation), _marks(cursor, generation, records)
        marks |= await _begun(connection, answers, records, marks)
        new = _new(records, {p: mark for p, mark in marks.items() if mark.offset >= 0})
        if sum(new.values()) < REFERENCE:
            return Cursor(generation, marks), None
        wanted = sample_quotas(new, REFERENCE)
        found = await first_rows(connection, answers, marks, wanted)
        onto = await _onto(connection, found)
    if _size(found) < REFERENCE:
        # Other activations answered in between. If they still did after FIRST_AMONG rows, find another beginning.
        stuck = {p: _unseen(records[p]) for p in _short(found, wanted) if new[p] >= FIRST_AMONG}
        return Cursor(generation, {**marks, **stuck}), None
    taken = {p: _mark(rows, marks[p].records + max(row["nth"] for row in rows)) for p, rows in found.items()}
    return Cursor(generation, {**marks, **taken}), _as_sample(found, onto)


async def latest_records(pool: Pool, ingest: str, activation: int, cursor: Cursor) -> tuple[Cursor, Sample | None]:
    """The latest WINDOW records of an activation beyond the cursor, and the cursor at the end of all that stands there.

    None while there are fewer, and the same cursor. A partition that isn't marked is new, as all are after the topic
    was made again. One where a worker still answers with another activation is passed over.

    Raises:
        PostgresUnavailable: Retryable.
    """
    async with read_snapshot(pool) as connection:
        generation, records = await count_rows(connection, ingest)
        answers, marks = Answers(generation, activation), _marks(cursor, generation, records)
        new = _new(records, marks)
        if sum(new.values()) < WINDOW:
            return cursor, None
        wanted = sample_quotas(new, WINDOW)
        found = await latest_rows(connection, answers, marks, wanted)
        short = _short(found, wanted)
        others = {p: count for p, count in new.items() if p not in short}
        if short and sum(others.values()) >= WINDOW:
            found = await latest_rows(connection, answers, marks, sample_quotas(others, WINDOW))
        onto = await _onto(connection, found)
    if _size(found) < WINDOW:
        return cursor, None
    # A partition that got too few rows to give any keeps its mark, and gives its share another time.
    passed = {p: marks[p]._replace(records=records[p]) for p in short}
    taken = {p: _mark(rows, records[p]) for p, rows in found.items()}
    return Cursor(generation, {**marks, **passed, **taken}), _as_sample(found, onto)


async def gathered(pool: Pool, ingest: str, cursor: Cursor, *, begun: bool) -> int:
    """How many records came beyond the cursor: those that the next look may take, if the champion answered them.

    Not `begun`, while the first are waited for: a partition counts once the champion's answers were seen in it.

    Raises:
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        async with pool.acquire() as connection:
            generation, records = await count_rows(connection, ingest)
    new = _new(records, marks := _marks(cursor, generation, records))
    return sum(count for p, count in new.items() if begun or marks[p].offset >= 0)


async def _begun(
    connection: Connection, answers: Answers, records: Mapping[int, int], marks: Mapping[int, Mark]
) -> dict[int, Mark]:
    """New marks of the partitions in which the activation hadn't begun and something has come since."""
    waiting = sorted(p for p, mark in marks.items() if mark.offset < 0 and mark.records != records[p])
    if not waiting:
        return {}
    return {p: _unseen(records[p]) for p in waiting} | await beginnings(connection, answers, records, waiting)


def _marks(cursor: Cursor, generation: int | None, records: Mapping[int, int]) -> dict[int, Mark]:
    known = cursor.marks if cursor.generation == generation else {}
    return {p: known.get(p, _unseen(0)) for p in records}


def _unseen(records: int) -> Mark:
    return Mark(-1, -1, records)


def _new(records: Mapping[int, int], marks: Mapping[int, Mark]) -> dict[int, int]:
    """How many rows came beyond each mark."""
    return {p: max(0, records[p] - mark.records) for p, mark in marks.items()}


def _size(found: Rows) -> int:
    return sum(len(rows) for rows in found.values())


def _short(found: Rows, wanted: Mapping[int, int]) -> set[int]:
    """The partitions that gave less than was wanted."""
    return {p for p, quota in wanted.items() if len(found.get(p, ())) < quota}


def _mark(rows: list[Any], records: int) -> Mark:
    offset, index = max((row["kafka_offset"], row["record_index"]) for row in rows)
    return Mark(offset, index, records)


async def _onto(connection: Connection, found: Rows) -> Onto | None:
    """Onto what the model of these rows scores; None: they are that."""
    models = {row["model"] for rows in found.values() for row in rows}
    return await read_onto_version(connection, models.pop()) if len(models) == 1 else None


def _as_sample(found: Rows, onto: Onto | None) -> Sample:
    """The rows as a sample, without those of another width than most: a forged block may have stored them."""
    rows = [(_row(row, onto), row["margins"]) for taken in found.values() for row in taken]
    (width, _), *_ = Counter((len(values), len(margins)) for values, margins in rows).most_common(1)
    rows = [(values, margins) for values, margins in rows if (len(values), len(margins)) == width]
    features = np.array([values for values, _ in rows], dtype=np.float64)
    margins = np.array([margins for _, margins in rows], dtype=np.float64).max(axis=1)
    string_of = strings_by_code(row["strings"] for taken in found.values() for row in taken)
    return Sample(features, margins, string_of if onto is None else {**string_of, **onto.strings})


def _row(row: Any, onto: Onto | None) -> Any:
    values = row_of(row["features"], row["strings"])
    return values if onto is None else onto.row(values, row["schema"], row["model"])
