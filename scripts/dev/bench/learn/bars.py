"""What must hold at the end of a scene. A bar that is meant for a longer run isn't judged."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from relearn.scripts.dev.bench.learn.curve import Point, mean_gap
from relearn.scripts.dev.bench.learn.scenes import Scene
from relearn.scripts.dev.bench.learn.watch import Sample, Stored

#: The start-up of a scene: the first trainings come one after the other then.
FIRST_S = 60.0
DECISION_WITHIN_S = 60.0
UNTRAINED_S = 30.0


@dataclass(frozen=True, slots=True)
class Bar:
    """`kept`: None where it isn't judged."""

    name: str
    found: str
    limit: str
    kept: bool | None

    @property
    def verdict(self) -> str:
        """PASS, FAIL, or that it isn't judged."""
        return "not judged" if self.kept is None else "PASS" if self.kept else "FAIL"


def bars(scene: Scene, stored: Stored, samples: Sequence[Sample], points: Sequence[Point]) -> list[Bar]:
    """The bars of a scene: that nothing was lost at any length, the others if it was as long as they need."""
    found = [
        Bar("dead letters", str(sum(stored.dead_letters.values())), "none", not stored.dead_letters),
        Bar("jobs that failed", str(len(stored.failed)), "none", not stored.failed),
    ]
    # A look later than a second is still of the whole run.
    long_enough = bool(samples) and samples[-1].at_s >= 60 * scene.minutes - 1
    for bar in [_standstill(stored) if scene.name == "reviewer" else _untrained(scene, samples), *_gaps(scene, points)]:
        found.append(bar if long_enough else Bar(bar.name, bar.found, bar.limit, None))
    return found


def standstill(decisions_s: Sequence[float], corrections_s: Sequence[float]) -> tuple[float, float]:
    """The longest time without a decision while there were corrections, and when it began; both ascending.

    It runs from the first correction after a decision to the next decision, or to the last correction if that is
    earlier: nothing is to be decided once no corrections come.
    """
    longest, began = 0.0, 0.0
    for since, until in zip([float("-inf"), *decisions_s], [*decisions_s, float("inf")], strict=True):
        first = bisect_right(corrections_s, since)
        if first < len(corrections_s):
            length = min(until, corrections_s[-1]) - corrections_s[first]
            if length > longest:
                longest, began = length, corrections_s[first]
    return longest, began


def _standstill(stored: Stored) -> Bar:
    longest, began = standstill([one.at_s for one in stored.decisions], stored.corrections_s)
    found = f"{longest:.0f} s, from {began:.0f} s on"
    return Bar(
        "longest time without a decision while corrections came",
        found,
        f"≤ {DECISION_WITHIN_S:.0f} s",
        longest <= DECISION_WITHIN_S,
    )


def _untrained(scene: Scene, samples: Sequence[Sample]) -> Bar:
    most = max((one.untrained for one in samples if one.at_s > FIRST_S), default=0)
    limit = round(UNTRAINED_S * scene.labels)
    return Bar("labels known to no training, after the first minute", f"{most:,}", f"≤ {limit:,}", most <= limit)


def _gaps(scene: Scene, points: Sequence[Point]) -> list[Bar]:
    """How far the champion is behind scikit-learn on all labels: at the end, and of the feed in the mean too."""
    gaps = {"at the end": points[-1].gap if points else None}
    if scene.name == "feed":
        gaps["in the mean after the first minute"] = mean_gap(points, after_s=FIRST_S)
    return [
        Bar(
            f"champion behind scikit-learn on all labels, {when}",
            "unknown" if gap is None else f"{100 * gap:+.2f} points",
            f"≤ {100 * scene.within:g} points",
            gap is not None and gap <= scene.within,
        )
        for when, gap in gaps.items()
    ]
