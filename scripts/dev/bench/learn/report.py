"""A scene as tables and bars on stdout, and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import Console

from relearn.scripts.dev.bench.learn.chart import Plot
from relearn.scripts.dev.bench.learn.curve import mean_gap
from relearn.scripts.dev.bench.learn.run import Played
from relearn.scripts.render.figures import share
from relearn.scripts.render.tables import plain_table


def print_scene(console: Console, played: Played) -> None:
    """For a person: the curve, what was decided, the bars."""
    console.print(played.title)
    console.print(played.detail)
    console.print(f"load averages: {played.load[0]:.1f} at the start, {played.load[1]:.1f} at the end\n")
    table = plain_table(
        "s", "labels", "known to no training", "champion", "right", "scikit-learn", "C", "behind (points)"
    )
    for column in table.columns:
        column.justify = "right"
    for one in played.points:
        counts = f"{one.at_s:.0f}", f"{one.labels:,}", f"{one.untrained:,}", str(one.champion)
        table.add_row(*counts, share(one.accuracy), share(one.reference), f"{one.c:g}", f"{100 * one.gap:+.2f}")
    console.print(table)
    console.print()
    told = plain_table("s", "took", "model", "right", "trigger", "decision", "job", flowing=("decision",))
    for decided in played.stored.decisions:
        version = "" if decided.version is None else str(decided.version)
        right = share(None if decided.version is None else played.right.get(decided.version))
        took = "" if decided.took_s is None else f"{decided.took_s:.1f} s"
        told.add_row(f"{decided.at_s:.1f}", took, version, right, decided.trigger, decided.text, decided.job[:8])
    console.print(told)
    console.print()
    gap = mean_gap(played.points)
    if gap is not None:
        console.print(f"champion behind scikit-learn, in the mean over labels: {100 * gap:+.2f} points")
    for failure in (
        *played.stored.failed,
        *(f"{n} dead letters: {what}" for what, n in played.stored.dead_letters.items()),
    ):
        console.print(f"  {failure}")
    for bar in played.bars:
        console.print(f"{bar.verdict}  {played.scene.name}: {bar.name}: {bar.found} ({bar.limit})")
    console.print()


def as_json(played: Played) -> dict[str, Any]:
    """Everything, each look too."""
    stored = played.stored
    return {
        "scene": played.scene.name,
        "title": played.title,
        "detail": played.detail,
        "seed": played.seed,
        "load": played.load,
        "points": [{**asdict(one), "gap": one.gap} for one in played.points],
        "models": {
            version: {"right": right, "c": stored.models[version].metrics.get("c")}
            for version, right in played.right.items()
        },
        "mean_gap": mean_gap(played.points),
        "swaps": [asdict(one) for one in stored.swaps],
        "decisions": [asdict(one) for one in stored.decisions],
        "failed": list(stored.failed),
        "dead_letters": dict(stored.dead_letters),
        "bars": [asdict(bar) for bar in played.bars],
        "samples": [asdict(one) for one in played.samples],
    }


def plot(played: Played) -> Plot:
    """What the chart draws."""
    return Plot(played.title, played.detail, played.points, played.samples, played.stored.swaps)
