"""Reads the drift of the champion's stream from Postgres, and reports features that have drifted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.training.drift import DriftRow, latest_drift
from relearn.scripts.demo.display.console import Report

_NAMED = 4


@dataclass(slots=True)
class DriftWatch:
    """`has_reference`: the champion's first records are the reference. `drifted`: the features that drift now."""

    pool: Pool
    report: Report
    on_drift: Callable[[tuple[str, ...]], None]
    has_reference: bool = False
    drifted: tuple[str, ...] = ()
    _reported: tuple[int, frozenset[str]] = (0, frozenset())

    async def poll(self) -> None:
        """Read the drift row.

        Raises:
            PostgresUnavailable: retryable.
        """
        self.take(await latest_drift(self.pool))

    def take(self, row: DriftRow | None) -> None:
        """Report the features that have drifted for the first time under this champion."""
        self.has_reference = row is not None and row.state.reference is not None
        self.drifted = () if row is None else row.drifted
        self.on_drift(self.drifted)
        if row is None:
            return
        activation, known = self._reported
        names = frozenset(row.drifted) | (known if activation == row.activation else frozenset())
        if names and (row.activation, names) != self._reported:
            self.report("drift", f"seen in {drift_text(row)}", "yellow")
        self._reported = row.activation, names


def drift_text(row: DriftRow) -> str:
    """The number of drifted features, and those that moved most, with their PSI."""
    window = row.state.window
    shifts = {} if window is None else window.comparison.shifts
    psi = {name: shifts[name].psi for name in row.drifted if name in shifts}
    most = sorted(psi, key=lambda name: -psi[name])
    named = ", ".join(f"{name} (PSI {psi[name]:.2f})" for name in most[:_NAMED])
    more = len(row.drifted) - min(_NAMED, len(most))
    many = f"{len(row.drifted)} reading{'s' if len(row.drifted) != 1 else ''}"
    return f"{many}: {named}" + (f" and {more} more" if more > 0 else "")
