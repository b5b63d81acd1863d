"""What the drift watch says of the champion's stream: read from the table `drift`, and told where it is news."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.training.drift import DriftRow, latest_drift
from relearn.scripts.demo.words import Tell

_NAMED = 4


@dataclass(slots=True)
class Drifts:
    """`referenced`: the champion's first records have been taken as the reference. `drifted`: as the row says now."""

    pool: Pool
    tell: Tell
    mind: Callable[[tuple[str, ...]], None]
    referenced: bool = False
    drifted: tuple[str, ...] = ()
    _told: tuple[int, frozenset[str]] = (0, frozenset())

    async def look(self) -> None:
        """See how it stands.

        Raises:
            PostgresUnavailable: ask again.
        """
        self.take(await latest_drift(self.pool))

    def take(self, row: DriftRow | None) -> None:
        """Tell of what has drifted for the first time under this champion."""
        self.referenced = row is not None and row.state.reference is not None
        self.drifted = () if row is None else row.drifted
        self.mind(self.drifted)
        if row is None:
            return
        activation, known = self._told
        names = frozenset(row.drifted) | (known if activation == row.activation else frozenset())
        if names and (row.activation, names) != self._told:
            self.tell("drift", f"seen in {told_of(row)}", "yellow")
        self._told = row.activation, names


def told_of(row: DriftRow) -> str:
    """How many have drifted, and the names of those that moved most, with their PSI."""
    window = row.state.window
    shifts = {} if window is None else window.comparison.shifts
    psi = {name: shifts[name].psi for name in row.drifted if name in shifts}
    most = sorted(psi, key=lambda name: -psi[name])
    named = ", ".join(f"{name} (PSI {psi[name]:.2f})" for name in most[:_NAMED])
    more = len(row.drifted) - min(_NAMED, len(most))
    many = f"{len(row.drifted)} reading{'s' if len(row.drifted) != 1 else ''}"
    return f"{many}: {named}" + (f" and {more} more" if more > 0 else "")
