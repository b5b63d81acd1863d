"""Measuring drift of the live stream: windows of records in Postgres against the champion's first records → `drift`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import structlog

from relearn.agents.availability.retry import Retry
from relearn.agents.learning.drift import compare, drifted, reference, update_streak
from relearn.agents.learning.drift_columns import Levels, drift_columns, frequent_levels
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.predictions.sample import Cursor, Sample, first_records, latest_records
from relearn.agents.stores.training.drift import (
    DriftRow,
    DriftState,
    Watched,
    Window,
    read_drift,
    read_watched,
    write_drift,
)
from relearn.agents.stores.training.models import read_body
from relearn.schemas.features import FeatureSchema
from relearn.schemas.model.linear_svm import Floats, Model, decode_model
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name

log = structlog.get_logger()

LOOK_EVERY_S = 1.0


@dataclass(slots=True)
class DriftWatch:
    """The drift watch of one feedback worker. `in_charge()`: whether this worker measures; the others stand by.

    The policy decides whether drift starts a training. `news()` is called when the set of drifted names has changed.
    """

    settings: Settings
    retry: Retry
    pool: Callable[[], Awaitable[Pool]]
    in_charge: Callable[[], bool]
    news: Callable[[], None]
    _row: DriftRow | None = None
    _told: tuple[str, ...] = ()
    _model: Model | None = None

    async def run(self) -> None:
        """Look every LOOK_EVERY_S.

        Raises:
            Stopping: asked to stop while a server is away.
        """
        while not self.retry.stop():
            if self.in_charge():
                await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Take the reference or compare one window with it, if there are enough new records.

        Raises:
            Stopping: asked to stop while a server is away.
        """
        pool = await self.pool()
        await self.retry.until_available(lambda: self._look(pool), "Postgres")

    async def _look(self, pool: Pool) -> None:
        """May be repeated: the row is read back before a result is derived from it."""
        watched = await read_watched(pool)
        if watched is None:
            return
        row = await self._known(pool, watched)
        after = await self._advanced(pool, watched, row)
        if after != row:
            written = await write_drift(pool, after)
            if written is None:
                return
            if row.state.reference is None and written.state.reference is not None:
                log.info(
                    "drift_reference_taken",
                    activation=row.activation,
                    model=row.model,
                    records=written.state.reference.n,
                )
            self._row = row = written
        self._tell(row)

    async def _known(self, pool: Pool, watched: Watched) -> DriftRow:
        """The champion's row, from memory unless another worker has written it or the champion has changed."""
        known = self._row
        if known is None or (known.activation, known.updated_at) != (watched.activation, watched.updated_at):
            row = await read_drift(pool, watched.activation) or DriftRow(watched.activation, watched.model)
            if known is None or known.activation != watched.activation:
                self._told = row.drifted
            self._row = known = row
        return known

    async def _advanced(self, pool: Pool, watched: Watched, row: DriftRow) -> DriftRow:
        """The row after the new records; unchanged if there are too few."""
        state, ingest = row.state, topic_name(self.settings.namespace, "ingest")
        if state.reference is None:
            cursor, sample = await first_records(pool, ingest, row.activation, state.cursor)
            fits = sample is not None and sample.features.shape[1] == len(watched.schema)
            return begun(row, cursor, sample if fits else None, watched.schema, await self._model_of(pool, watched))
        cursor, sample = await latest_records(pool, ingest, row.activation, state.cursor)
        fits = sample is not None and sample.features.shape[1] == len(watched.schema)
        if sample is None or not fits:
            return row
        return compared(row, cursor, sample, watched.now_s, await self._model_of(pool, watched))

    async def _model_of(self, pool: Pool, watched: Watched) -> Model | None:
        """The champion, where what of its records is compared depends on its encoder."""
        if not watched.schema.strings:
            return None
        if self._model is None or self._model.version != watched.model:
            body = await read_body(pool, watched.model)
            assert body is not None  # an activation refers to it
            self._model = decode_model(body)
        return self._model

    def _tell(self, row: DriftRow) -> None:
        before, self._told = self._told, row.drifted
        window = row.state.window
        if set(before) == set(row.drifted) or window is None:
            return
        about = {"activation": row.activation, "model": row.model, "window": window.number}
        if seen := [name for name in row.drifted if name not in before]:
            psi = {name: round(window.comparison.shifts[name].psi, 3) for name in seen}
            log.info("drift_seen", names=seen, psi=psi, **about)
        if gone := [name for name in before if name not in row.drifted]:
            log.info("drift_gone", names=gone, **about)
        self.news()


def begun(row: DriftRow, cursor: Cursor, sample: Sample | None, schema: FeatureSchema, model: Model | None) -> DriftRow:
    """The row after a search for the first records; `sample` is None while there are too few.

    model: the champion; None: its features are numbers alone.
    """
    taken = None
    if sample is not None:
        levels = {} if model is None else frequent_levels(model, sample.features, sample.string_of)
        columns = _compared_of(sample, levels, model)
        taken = reference(schema.row_names, columns, sample.margins, schema.gaps, levels)
    return replace(row, state=replace(row.state, cursor=cursor, reference=taken))


def compared(row: DriftRow, cursor: Cursor, sample: Sample, at_s: float, model: Model | None = None) -> DriftRow:
    """The row after one more window, compared at `at_s`, epoch seconds."""
    state = row.state
    assert state.reference is not None
    comparison = compare(state.reference, _compared_of(sample, state.reference.levels, model), sample.margins)
    streak = update_streak(state.streak, comparison)
    number = 1 if state.window is None else state.window.number + 1
    after = DriftState(cursor, state.reference, streak, Window(number, at_s, comparison))
    return replace(row, state=after, drifted=drifted(streak))


def _compared_of(sample: Sample, levels: Levels, model: Model | None) -> Floats:
    return sample.features if model is None else drift_columns(model, sample.features, levels, sample.string_of)
