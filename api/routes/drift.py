"""Drift of the live stream, as the feedback role stored it."""

from __future__ import annotations

from datetime import UTC, datetime

from relearn.agents.learning.drift import IN_A_ROW, P_LIMIT, PSI_LIMIT, REFERENCE, WINDOW
from relearn.agents.stores.predictions.sample import gathered
from relearn.agents.stores.training.drift import DriftRow, read_drift, read_watched
from relearn.agents.stores.training.drift import Window as StoredWindow
from relearn.api.http.call import Call, Handlers
from relearn.schemas.http.drift import Drift, DriftHistogram, DriftLimits, DriftWindow
from relearn.schemas.topics import topic_name


async def get_drift(call: Call[None, None, None]) -> Drift:
    """The drift state of the current champion."""
    pool, ingest = call.context.pool, topic_name(call.context.settings.namespace, "ingest")
    watched = await read_watched(pool)
    if watched is None:
        return Drift("no champion", None, None, [], [], None, None, None, _limits(1), None)
    row = await read_drift(pool, watched.activation) or DriftRow(watched.activation, watched.model)
    found, next_of = spreads(row), WINDOW if row.state.reference else REFERENCE
    return Drift(
        state="watching" if found else "gathering",
        activation=row.activation,
        model=row.model,
        drifted=list(row.drifted),
        features=found[:-1],
        margin=found[-1] if found else None,
        window=_window(row.state.window),
        gathered=min(next_of, await gathered(pool, ingest, row.state.cursor, begun=row.state.reference is not None)),
        limits=_limits(len(watched.schema)),
        updated_at=None if row.updated_at is None else row.updated_at.isoformat(),
    )


def spreads(row: DriftRow) -> list[DriftHistogram]:
    """One spread per feature, then the margin's; empty before there is a reference."""
    reference, window = row.state.reference, row.state.window
    if reference is None:
        return []
    found = []
    for name, edges, counts in zip(reference.names, reference.edges, reference.counts, strict=True):
        shift = None if window is None else window.comparison.shifts[name]
        spread = DriftHistogram(
            name=name,
            edges=list(edges),
            levels=list(reference.levels[name]) if name in reference.levels else None,
            reference=list(counts),
            live=None if shift is None else list(shift.counts),
            psi=None if shift is None else shift.psi,
            p=None if shift is None else shift.p,
            shifted=shift is not None and shift.drifted,
            windows=row.state.streak.get(name, 0),
            drifted=name in row.drifted,
        )
        found.append(spread)
    return found


def _window(window: StoredWindow | None) -> DriftWindow | None:
    if window is None:
        return None
    return DriftWindow(window.number, datetime.fromtimestamp(window.at_s, UTC).isoformat(), window.comparison.m)


def _limits(features: int) -> DriftLimits:
    return DriftLimits(PSI_LIMIT, P_LIMIT / max(1, features), IN_A_ROW, REFERENCE, WINDOW)


HANDLERS: Handlers = {"get_drift": get_drift}
