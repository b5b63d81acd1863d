"""What the rounds come to: gate paths, waits from correction to live and their stages; as tables and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from rich.console import Console

from relearn.scripts.dev.bench.loop.background import QUANTILES, Waits
from relearn.scripts.dev.bench.loop.feedback_sender import Way
from relearn.scripts.dev.bench.loop.rounds import Round
from relearn.scripts.render.tables import plain_table

_HEADINGS = ("", *("max" if q == 1 else f"p{q * 100:g}" for q in QUANTILES))
TOTAL, PUBLISHED = "last correction → live everywhere", "signed → last process (ms)"


def _part(name: str) -> Callable[[Round], float]:
    return lambda one: one.parts_s[name]


#: The parts of a training, in order; between them and the two moments around them are a few milliseconds.
PARTS = ("read", "prepare", "fit", "judge", "conclude")
#: Seconds, but for the last. The four stages come after one another and sum to the total.
STAGES: Mapping[str, Callable[[Round], float]] = {
    TOTAL: lambda one: one.live_s - one.said_s,
    "  until the job is queued": lambda one: one.queued_s - one.said_s,
    "  queued → started": lambda one: one.started_s - one.queued_s,
    "  training and judging": lambda one: one.ended_s - one.started_s,
    **{f"    {part}": _part(part) for part in PARTS},
    "  ended → last swap": lambda one: one.live_s - one.ended_s,
    PUBLISHED: lambda one: one.published_ms,
}


@dataclass(slots=True)
class Found:
    """All that was measured. `load`: the machine's load averages over a minute, at the start and at the end.

    `waits_ms`: of the background's records, broker → scored, while a model was trained (True) and else.
    """

    load: list[float] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    waits: dict[bool, Waits] = field(default_factory=dict)
    failure: str | None = None

    def of(self, way: Way) -> list[Round]:
        """The rounds of one kind."""
        return [one for one in self.rounds if one.way == way]


def quantiles(rounds: Sequence[Round], stage: str) -> list[float]:
    """One stage over these rounds, at each of QUANTILES."""
    return [float(q) for q in np.quantile([STAGES[stage](one) for one in rounds], QUANTILES)]


def gates(rounds: Iterable[Round]) -> dict[str, int]:
    """How many rounds each part of the gate promoted, and by which trigger."""
    return dict(Counter(f"{one.gate} (trigger {one.trigger})" for one in rounds).most_common())


def as_json(found: Found, ways: Sequence[Way]) -> dict[str, Any]:
    """Everything, each round too."""
    stages = {way: {name.strip(): quantiles(found.of(way), name) for name in STAGES} for way in ways if found.of(way)}
    waits = {"training" if training else "else": waits._asdict() for training, waits in found.waits.items()}
    return {
        "load": found.load,
        "quantiles": QUANTILES,
        "promoted_by": {way: gates(found.of(way)) for way in ways},
        "stages": stages,
        "broker_to_scored": waits,
        "failure": found.failure,
        "rounds": [asdict(one) for one in found.rounds],
    }


def print_tables(console: Console, found: Found, ways: Sequence[Way]) -> None:
    """For a person."""
    console.print(f"load averages: {found.load[0]:.1f} at the start, {found.load[-1]:.1f} at the end\n")
    for way in ways:
        rounds = found.of(way)
        if not rounds:
            continue
        others = sum(one.gate != way for one in rounds)
        told = ", ".join(f"{n} by {gate}" for gate, n in gates(rounds).items())
        console.print(f"{way}: {len(rounds)} rounds, promoted {told}; {others} other than meant")
        _print_table(console, "s", {name: quantiles(rounds, name) for name in STAGES})
    if found.waits:
        console.print("broker → scored, the background's records")
        _print_table(console, "ms", {_words(training, waits): waits.ms for training, waits in found.waits.items()})
    if found.failure:
        console.print(f"FAIL  {found.failure}")


def _words(training: bool, waits: Waits) -> str:
    return f"{'while a model is trained' if training else 'else'}, {waits.records:,} records"


def _print_table(console: Console, unit: str, rows: Mapping[str, Sequence[float]]) -> None:
    table = plain_table(unit, *_HEADINGS[1:])
    for column in table.columns[1:]:
        column.justify = "right"
    for name, values in rows.items():
        digits = 3 if unit == "s" and name != PUBLISHED else 1
        table.add_row(name, *(f"{value:.{digits}f}" for value in values))
    console.print(table)
    console.print()
