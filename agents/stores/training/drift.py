"""The `drift` table: one row per activation of a champion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from relearn.agents.learning.drift import Comparison, Reference, Shift, reference_fields, reference_from_fields
from relearn.agents.stores.features.versions import schema_of
from relearn.agents.stores.postgres import Pool, postgres_errors
from relearn.agents.stores.predictions.sample import Cursor
from relearn.agents.stores.predictions.tail import Mark
from relearn.agents.stores.training.champion import CHAMPION, CHAMPION_ACTIVATION
from relearn.schemas.features import FeatureSchema

_WATCHED = f"""
SELECT a.activation, a.version, f.names, f.kinds, f.gaps, d.updated_at,
    extract(epoch FROM clock_timestamp())::float8 AS now_s
FROM {CHAMPION} AS a JOIN models m USING (version) JOIN feature_schema f ON f.number = m.schema
LEFT JOIN drift d USING (activation)
"""  # noqa: S608 - nothing but names of our own
_READ = "SELECT activation, model, state, drifted, updated_at FROM drift WHERE activation = $1"
_LATEST = f"""
SELECT activation, model, state, drifted, updated_at FROM drift
WHERE activation = {CHAMPION_ACTIVATION}
"""  # noqa: S608 - the same
_WRITE = """
INSERT INTO drift (activation, model, state, drifted) VALUES ($1, $2, $3, $4)
ON CONFLICT (activation) DO UPDATE
SET state = excluded.state, drifted = excluded.drifted, updated_at = clock_timestamp()
WHERE drift.updated_at = $5
RETURNING updated_at
"""


@dataclass(frozen=True, slots=True)
class Watched:
    """The champion whose records are compared.

    `updated_at`: when its row was written last; None: there is no row. `now_s`: Postgres' clock, epoch seconds.
    """

    activation: int
    model: int
    schema: FeatureSchema
    updated_at: datetime | None
    now_s: float


@dataclass(frozen=True, slots=True)
class Window:
    """The last comparison: its number, its time in epoch seconds, and its result per name."""

    number: int
    at_s: float
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class DriftState:
    """The state of the drift watch of one activation. `streak`: consecutive windows that drifted, by name."""

    cursor: Cursor = field(default_factory=Cursor)
    reference: Reference | None = None
    streak: Mapping[str, int] = field(default_factory=dict)
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class DriftRow:
    """One activation's row. `drifted`: in the reference's order. `updated_at`: None before the first write."""

    activation: int
    model: int
    state: DriftState = field(default_factory=DriftState)
    drifted: tuple[str, ...] = ()
    updated_at: datetime | None = None


async def read_watched(pool: Pool) -> Watched | None:
    """The current champion; None before the first.

    Raises:
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        row = await pool.fetchrow(_WATCHED)
    if row is None:
        return None
    return Watched(row["activation"], row["version"], schema_of(row), row["updated_at"], row["now_s"])


async def read_drift(pool: Pool, activation: int) -> DriftRow | None:
    """The row of one activation; None: there is none.

    Raises:
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        return _as_row(await pool.fetchrow(_READ, activation))


async def latest_drift(pool: Pool) -> DriftRow | None:
    """The row of the current champion; None: there is none yet.

    Raises:
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        return _as_row(await pool.fetchrow(_LATEST))


async def write_drift(pool: Pool, row: DriftRow) -> DriftRow | None:
    """Write the row; the row with its new `updated_at`. None: another write came since the row was read, and is kept.

    Raises:
        PostgresUnavailable: the row was written or not; read it again.
    """
    with postgres_errors():
        fields = state_fields(row.state)
        updated_at = await pool.fetchval(_WRITE, row.activation, row.model, fields, list(row.drifted), row.updated_at)
    return None if updated_at is None else replace(row, updated_at=updated_at)


def state_fields(state: DriftState) -> dict[str, Any]:
    """The state, JSON-able."""
    window = state.window
    return {
        "generation": state.cursor.generation,
        "marks": {str(p): list(mark) for p, mark in state.cursor.marks.items()},
        "reference": state.reference and reference_fields(state.reference),
        "streak": dict(state.streak),
        "window": window
        and {
            "number": window.number,
            "at_s": window.at_s,
            "m": window.comparison.m,
            "shifts": {name: shift._asdict() for name, shift in window.comparison.shifts.items()},
        },
    }


def state_from_fields(fields: Mapping[str, Any]) -> DriftState:
    """The state in the fields that `state_fields` gave; `jsonb` keeps no order, the reference's names do."""
    cursor = Cursor(fields["generation"], {int(p): Mark(*mark) for p, mark in fields["marks"].items()})
    if fields["reference"] is None:
        return DriftState(cursor)
    reference = reference_from_fields(fields["reference"])
    streak = {name: fields["streak"][name] for name in reference.names if name in fields["streak"]}
    return DriftState(cursor, reference, streak, _window(fields["window"], reference.names))


def _window(fields: Mapping[str, Any] | None, names: tuple[str, ...]) -> Window | None:
    if fields is None:
        return None
    shifts = {name: _shift(fields["shifts"][name]) for name in names}
    return Window(fields["number"], fields["at_s"], Comparison(shifts, fields["m"]))


def _shift(fields: Mapping[str, Any]) -> Shift:
    return Shift(float(fields["psi"]), float(fields["p"]), tuple(fields["counts"]), fields["drifted"])


def _as_row(row: Any) -> DriftRow | None:
    if row is None:
        return None
    state = state_from_fields(row["state"])
    return DriftRow(row["activation"], row["model"], state, tuple(row["drifted"]), row["updated_at"])
