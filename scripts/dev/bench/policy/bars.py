"""What runs come to together, and the bars that the policy must keep."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from relearn.scripts.dev.bench.policy.outcome import Outcome

BAD_PROMOTIONS = 0.02
FALSE_ROLLBACKS = 0.05
FALSE_ALARMS = 0.01
#: A lone reviewer who has 30 % of the labels wrong: runs that end more than a point worse, by kind.
WORSE_RUNS = {"errors-flipped": 0.0, "audit-flipped": 0.03}
WORSE_RUNS_ELSE = 0.01
#: Labels that no training knows, as a multiple of what the trigger waits for: at most this, in every run.
UNLEARNED = 3.0
#: The mean of a run's regret, in the mean over runs.
REGRET = 0.015


MEANS = ("start", "end", "regret")
LARGEST = ("unlearned", "of_needed", "blocked")


@dataclass(frozen=True, slots=True)
class Summary:
    """Some runs together, by the names that an outcome has: sums, or means (MEANS), or the largest (LARGEST).

    `needed`: labels until most of the attainable gain was made, as a share of all labels of the runs that could gain.
    """

    runs: int
    labels: int
    trainings: int
    skipped: int
    shadows: int
    rejections: int
    promotions: int
    bad: int
    bad_challengers: int
    promoting: int
    rollbacks: int
    false_rollbacks: int
    start: float
    end: float
    worse: int
    windows: int
    alarms: int
    drift_windows: int
    drift_alarms: int
    unlearned: int
    of_needed: float
    blocked: int
    regret: float
    needed: float | None


class Bar(NamedTuple):
    """One bar: `found` of `of` may be at most the share `limit`."""

    name: str
    found: int
    of: int
    limit: float

    @property
    def kept(self) -> bool:
        """Whether it is kept; of nothing nothing is too much."""
        return self.found <= self.limit * self.of

    @property
    def text(self) -> str:
        """What was found, and the limit."""
        share = f" ({self.found / self.of:.1%})" if self.of else ""
        return f"{self.found} of {self.of}{share}, at most {self.limit:.0%}"

    def fields(self) -> dict[str, Any]:
        """The bar, JSON-able."""
        return {**self._asdict(), "kept": self.kept}


class Figure(NamedTuple):
    """One bar: the figure `found` may be at most `limit`."""

    name: str
    found: float
    limit: float

    @property
    def kept(self) -> bool:
        """Whether it is kept."""
        return self.found <= self.limit

    @property
    def text(self) -> str:
        """What was found, and the limit."""
        return f"{self.found:.3g}, at most {self.limit:g}"

    def fields(self) -> dict[str, Any]:
        """The bar, JSON-able."""
        return {**self._asdict(), "kept": self.kept}


def summary(outcomes: Sequence[Outcome]) -> Summary:
    """What at least one run comes to."""
    others = {"runs", "needed", *MEANS, *LARGEST}
    counted = [field.name for field in fields(Summary) if field.name not in others]
    sums: dict[str, Any] = {name: sum(int(getattr(one, name)) for one in outcomes) for name in counted}
    means = {name: sum(getattr(one, name) for one in outcomes) / len(outcomes) for name in MEANS}
    largest = {name: max(getattr(one, name) for one in outcomes) for name in LARGEST}
    gaining = [(one.needed, one.labels) for one in outcomes if one.needed is not None]
    needed = sum(one for one, _ in gaining) / sum(labels for _, labels in gaining) if gaining else None
    return Summary(runs=len(outcomes), needed=needed, **sums, **means, **largest)


def by_kind(outcomes: Iterable[Outcome]) -> dict[str, list[Outcome]]:
    """The runs of each kind of feedback, in the order in which they are met."""
    found: dict[str, list[Outcome]] = {}
    for one in outcomes:
        found.setdefault(one.kind, []).append(one)
    return found


def bars(outcomes: Iterable[Outcome]) -> list[Bar | Figure]:
    """All bars that these runs can tell of, per kind of feedback, and the drift watch's over all."""
    sums = {kind: summary(found) for kind, found in by_kind(outcomes).items()}
    return [
        *(Bar(f"bad promotions, {kind}", one.bad, one.promotions, BAD_PROMOTIONS) for kind, one in sums.items()),
        *(
            Bar(f"runs that serve worse, {kind}", one.worse, one.runs, WORSE_RUNS.get(kind, WORSE_RUNS_ELSE))
            for kind, one in sums.items()
        ),
        *(
            Bar(f"false rollbacks of promoting runs, {kind}", one.false_rollbacks, one.promoting, FALSE_ROLLBACKS)
            for kind, one in sums.items()
        ),
        Bar(
            "drift alarms of windows without drift",
            sum(one.alarms for one in sums.values()),
            sum(one.windows for one in sums.values()),
            FALSE_ALARMS,
        ),
        *(
            Figure(f"labels that no training knows, of those that one waits for, {kind}", one.of_needed, UNLEARNED)
            for kind, one in sums.items()
        ),
        *(Figure(f"regret, mean of the runs, {kind}", one.regret, REGRET) for kind, one in sums.items()),
    ]
