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


@dataclass(frozen=True, slots=True)
class Summary:
    """Some runs together, by the names that an outcome has: sums, but `start` and `end` are means."""

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

    def fields(self) -> dict[str, Any]:
        """The bar, JSON-able."""
        return {**self._asdict(), "kept": self.kept}


def summary(outcomes: Sequence[Outcome]) -> Summary:
    """What at least one run comes to."""
    counted = [field.name for field in fields(Summary) if field.name not in {"runs", "start", "end"}]
    sums = {name: sum(int(getattr(one, name)) for one in outcomes) for name in counted}
    means = {name: sum(getattr(one, name) for one in outcomes) / len(outcomes) for name in ("start", "end")}
    return Summary(runs=len(outcomes), **sums, **means)


def by_kind(outcomes: Iterable[Outcome]) -> dict[str, list[Outcome]]:
    """The runs of each kind of feedback, in the order in which they are met."""
    found: dict[str, list[Outcome]] = {}
    for one in outcomes:
        found.setdefault(one.kind, []).append(one)
    return found


def bars(outcomes: Iterable[Outcome]) -> list[Bar]:
    """All bars that these runs can tell of, per kind of feedback, and the drift watch's over all."""
    sums = {kind: summary(found) for kind, found in by_kind(outcomes).items()}
    return [
        *(Bar(f"bad promotions, {kind}", one.bad, one.promotions, BAD_PROMOTIONS) for kind, one in sums.items()),
        *(
            Bar(f"runs that serve worse, {kind}", sums[kind].worse, sums[kind].runs, limit)
            for kind, limit in WORSE_RUNS.items()
            if kind in sums
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
    ]
